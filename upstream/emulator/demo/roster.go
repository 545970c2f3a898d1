package demo

import (
	"slices"
	"strings"
	"time"

	"scalegraph/upstream/emulator"
)

// roster has the instances of a group, so that the list of instances agrees with the activity log.
type roster struct {
	members []emulator.Member
	gone    map[string]bool // ids that were removed before the action that added them ended
}

// apply updates the instances after an action has ended.
func (r *roster) apply(row emulator.Row, config string) {
	for _, in := range slices.Concat(row.Removed, row.Deleted) {
		r.remove(in.ID)
	}
	for _, in := range row.Added {
		if !r.gone[in.ID] {
			r.members = append(r.members, newMember(in, row, config))
		}
	}
	state := map[string]string{emulator.EnterStandby: emulator.Standby, emulator.ExitStandby: emulator.InService}[row.Type]
	if state == "" {
		return
	}
	for i, m := range r.members {
		if slices.ContainsFunc(row.Standby, func(in emulator.Instance) bool { return in.ID == m.ID }) {
			r.members[i].State = state
		}
	}
}

func (r *roster) remove(id string) {
	before := len(r.members)
	r.members = slices.DeleteFunc(r.members, func(m emulator.Member) bool { return m.ID == id })
	if len(r.members) == before {
		if r.gone == nil {
			r.gone = map[string]bool{}
		}
		r.gone[id] = true
	}
}

func newMember(in emulator.Instance, row emulator.Row, config string) emulator.Member {
	m := emulator.Member{ID: in.ID, Name: in.Name, ConfigID: configID(config), ConfigName: config, Joined: row.End}
	if row.Type == emulator.ManualAdd {
		m.ConfigID, m.ConfigName = "", emulator.AddedByHand
	}
	return m
}

// configID returns the id of a scaling configuration.
func configID(name string) string { return emulator.DeriveID(Project, name, 0) }

// current returns the instances in the group: those that joined and have not been removed, and those that are being created.
func (r *roster) current(s *simulation, running []emulator.Row, config string) []emulator.Member {
	present := map[string]bool{}
	leaving := map[string]bool{}
	for _, in := range slices.Concat(s.members, s.standby) {
		present[in.ID] = true
	}
	var joining []emulator.Member
	for _, row := range running {
		for _, in := range slices.Concat(row.Removed, row.Deleted) {
			present[in.ID], leaving[in.ID] = true, true
		}
		for _, in := range row.Added {
			joining = append(joining, emulator.Member{Name: in.Name, State: emulator.Pending, Health: emulator.HealthInitializing, ConfigID: configID(config), ConfigName: config, Joined: row.Start})
		}
	}
	r.members = slices.DeleteFunc(r.members, func(m emulator.Member) bool { return !present[m.ID] }) // removed without an activity
	list := slices.Clone(r.members)
	for i, m := range list {
		if leaving[m.ID] {
			list[i].State = emulator.Removing
		}
	}
	return append(list, joining...)
}

// execution returns the entry of an execution log that agrees with an activity, and the policy; false if no policy caused the activity.
func execution(row emulator.Row) (policyID string, x emulator.Execution, ok bool) {
	reasons := emulator.ParseDescription(row.Description)
	if len(reasons) == 0 || reasons[0].PolicyID == "" {
		return "", emulator.Execution{}, false
	}
	why := reasons[0]
	at, err := time.Parse(timeLayout, why.ChangeTime)
	if err != nil {
		return "", emulator.Execution{}, false
	}
	operation := emulator.OperationAdd
	if why.NewValue < why.OldValue {
		operation = emulator.OperationRemove
	}
	id := emulator.DeriveID(why.PolicyID, row.ID, 0)
	return why.PolicyID, emulator.Execution{ID: id, Time: at, Old: why.OldValue, Desire: why.NewValue, Operation: operation}, true
}

// refusedAfter is the attempt of an alarm policy that failed because the group was cooling down after x. Every eighth execution has one.
func refusedAfter(x emulator.Execution) (emulator.Execution, bool) {
	if strings.IndexByte("02", x.ID[0]) < 0 {
		return emulator.Execution{}, false
	}
	at := x.Time.Add(time.Minute)
	return emulator.Execution{
		ID: emulator.DeriveID(Project, x.ID, 1), Time: at, Status: emulator.ExecutionFail, FailedReason: emulator.FailureReason("AS.0026"),
		Old: x.Desire, Desire: x.Desire, Operation: x.Operation,
	}, true
}
