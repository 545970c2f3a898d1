package emulator

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// roster holds the instances of a group of the demo, so that the list of instances agrees with the activity log.
type roster struct {
	members []Member
	gone    map[string]bool // ids that left before the action that added them had ended
}

// apply makes the instances follow an action that has ended.
func (r *roster) apply(row Row, config string) {
	for _, in := range slices.Concat(row.Removed, row.Deleted) {
		r.remove(in.ID)
	}
	for _, in := range row.Added {
		if !r.gone[in.ID] {
			r.members = append(r.members, newcomer(in, row, config))
		}
	}
	state := map[string]string{EnterStandby: Standby, ExitStandby: InService}[row.Type]
	for i, m := range r.members {
		if state != "" && slices.ContainsFunc(row.Standby, func(in Instance) bool { return in.ID == m.ID }) {
			r.members[i].State = state
		}
	}
}

func (r *roster) remove(id string) {
	before := len(r.members)
	r.members = slices.DeleteFunc(r.members, func(m Member) bool { return m.ID == id })
	if len(r.members) == before {
		if r.gone == nil {
			r.gone = map[string]bool{}
		}
		r.gone[id] = true
	}
}

func newcomer(in Instance, row Row, config string) Member {
	m := Member{ID: in.ID, Name: in.Name, ConfigID: configID(config), ConfigName: config, Joined: row.End}
	if row.Type == ManualAdd {
		m.ConfigID, m.ConfigName = "", AddedByHand
	}
	return m
}

// configID is the id of a scaling configuration of the demo.
func configID(name string) string { return madeID(place{DemoProject, name}, 0) }

// current returns the instances that are in the group now: those that joined and have not been lost, and those that are being created.
func (r *roster) current(s *story, running []Row, config string) []Member {
	present := map[string]bool{}
	leaving := map[string]bool{}
	for _, in := range slices.Concat(s.members, s.standby) {
		present[in.ID] = true
	}
	var joining []Member
	for _, row := range running {
		for _, in := range slices.Concat(row.Removed, row.Deleted) {
			present[in.ID], leaving[in.ID] = true, true
		}
		for _, in := range row.Added {
			joining = append(joining, Member{Name: in.Name, State: Pending, Health: HealthInitializing, ConfigID: configID(config), ConfigName: config, Joined: row.Start})
		}
	}
	r.members = slices.DeleteFunc(r.members, func(m Member) bool { return !present[m.ID] }) // lost without an activity
	list := slices.Clone(r.members)
	for i, m := range list {
		if leaving[m.ID] {
			list[i].State = Removing
		}
	}
	return append(list, joining...)
}

// execution returns the entry of an execution log that agrees with an activity, and the policy; false if no policy caused the activity.
func execution(row Row) (policyID string, x Execution, ok bool) {
	var d description
	if row.Description == "" || json.Unmarshal([]byte(row.Description), &d) != nil || len(d.Reason) == 0 || d.Reason[0].PolicyID == "" {
		return "", Execution{}, false
	}
	why := d.Reason[0]
	at, err := time.Parse(timeLayout, why.ChangeTime)
	if err != nil {
		return "", Execution{}, false
	}
	operation := OperationAdd
	if why.NewValue < why.OldValue {
		operation = OperationRemove
	}
	id := madeID(place{why.PolicyID, row.ID}, 0)
	return why.PolicyID, Execution{ID: id, Time: at, Old: why.OldValue, Desire: why.NewValue, Operation: operation}, true
}

// refusedAfter is the attempt of an alarm policy that failed because the group was cooling down after x. Every eighth execution has one.
func refusedAfter(x Execution) (Execution, bool) {
	if strings.IndexByte("02", x.ID[0]) < 0 {
		return Execution{}, false
	}
	at := x.Time.Add(time.Minute)
	return Execution{
		ID: madeID(place{DemoProject, x.ID}, 1), Time: at, Status: ExecutionFail, FailedReason: FailureReason("AS.0026"),
		Old: x.Desire, Desire: x.Desire, Operation: x.Operation,
	}, true
}
