package emulator

import (
	"strings"
	"time"
)

// Execute executes a policy of a group at a time, as the service would: it appends an entry to the policy's execution log and, if the desired
// number of instances changes, starts an activity that names the policy, with the same time and values. The entry fails with a documented
// code if the group or the policy cannot act. activity is the log id of the activity; empty if nothing changed. ok is false if there is no
// such policy or group.
func (e *Emulator) Execute(project, policy string, at time.Time) (x Execution, activity string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.policies[place{project, policy}]
	if !ok {
		return Execution{}, "", false
	}
	group := place{project, p.Resource}
	l, ok := e.logs[group]
	if !ok {
		return Execution{}, "", false
	}
	at = at.UTC().Truncate(time.Second)
	old := l.info.Desire
	code := l.blockingCode(p.Policy, at)
	desire := old
	if code == "" {
		desire, code = p.desire(l.info)
	}
	x = Execution{Time: at, Old: old, Desire: desire}
	if code != "" {
		x.Status, x.FailedReason = ExecutionFail, FailureReason(code)
	}
	x = e.putExecution(project, p, x)
	if desire == old {
		return x, "", true
	}
	l.info.Desire = desire
	row := scalingRow(p.Policy, x, len(l.members))
	row.ID = DeriveID(project, p.Resource, e.seq)
	started := newEntry(row)
	e.changed(Inserted, group, started.row)
	l.put([]*entry{started})
	return x, row.ID, true
}

// failureTexts are the messages of the codes with which an execution can fail.
var failureTexts = map[string]string{
	"AS.0001": "The system is abnormal.",
	"AS.0026": "The scaling group is cooling down.",
	"AS.0034": "The scaling group has an action under way.",
	"AS.0049": "A service that the scaling action needs is abnormal.",
	"AS.0050": "The number of instances has reached the maximum of the scaling group.",
	"AS.1086": "The scaling configuration cannot be used.",
	"AS.2018": "The scaling group has no scaling configuration.",
	"AS.2028": "The expected number of instances does not change.",
	"AS.2033": "The scaling group is not in service.",
	"AS.2047": "The scaling group is scaling.",
	"AS.2054": "The scaling group is performing a scaling action.",
	"AS.3027": "The scaling policy is not in service.",
	"AS.3038": "The scaling policy is being executed.",
	"AS.3040": "The adjustment has reached the limit of the scaling group.",
	"AS.8004": "The resources of the account are frozen.",
}

// FailureReason returns the failed_reason of an execution that fails with a code: the code and its message.
func FailureReason(code string) string {
	text, ok := failureTexts[code]
	if !ok {
		text = "The scaling policy could not be executed."
	}
	return code + ": " + text
}

// blockingCode returns the error code if the group or the policy cannot act at a time; empty if it can.
func (l *log) blockingCode(p Policy, at time.Time) string {
	switch {
	case p.Status == PolicyExecuting:
		return "AS.3038"
	case p.Status != PolicyInService:
		return "AS.3027"
	case l.info.Status == GroupFrozen:
		return "AS.8004"
	case l.info.Status != GroupInService:
		return "AS.2033"
	case len(l.rows(class{every, Doing})) > 0:
		return "AS.2054"
	case p.Type == PolicyAlarm && l.coolingDown(p, at):
		return "AS.0026"
	}
	return ""
}

// coolingDown reports whether the last action ended less than the cooldown of the policy, or of the group, before a time.
func (l *log) coolingDown(p Policy, at time.Time) bool {
	cooldown := p.Cooldown
	if cooldown == 0 {
		cooldown = l.info.Cooldown
	}
	all := l.rows(everything)
	if len(all) == 0 || all[len(all)-1].row.End.IsZero() {
		return false
	}
	return at.Before(all[len(all)-1].row.End.Add(time.Duration(cooldown) * time.Second))
}

// desire returns the number of instances that the policy wants, within the bounds of the group, or the code with which it fails.
func (p Policy) desire(g Group) (n int, code string) {
	step := p.Instances
	if p.Percentage > 0 {
		step = max(1, g.Desire*p.Percentage/100)
	}
	switch p.Operation {
	case OperationSet:
		return min(max(step, g.Min), g.Max), ""
	case OperationRemove:
		if g.Desire <= g.Min {
			return g.Desire, "AS.3040"
		}
		return max(g.Desire-step, g.Min), ""
	}
	switch {
	case g.Desire >= g.Max:
		return g.Desire, "AS.0050"
	case g.ConfigID == "" && g.ConfigName == "":
		return g.Desire, "AS.2018"
	}
	return min(g.Desire+step, g.Max), ""
}

// scalingRow is the activity that an execution starts.
func scalingRow(p Policy, x Execution, size int) Row {
	changed := Reason{p.Type, x.Old, x.Time.Format(timeLayout), x.Desire, p.ID, p.Name}
	return Row{
		Status: Doing, Type: Normal, Start: x.Time, Description: Describe(changed),
		InstanceValue: size, DesireValue: x.Desire, ScalingValue: max(x.Desire-size, size-x.Desire),
	}
}

// Complete ends an activity that Execute started: it adds or removes instances until the group has the desired number. It reports whether the
// activity exists.
func (e *Emulator) Complete(project, group, activity string, end time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := place{project, group}
	l, ok := e.logs[at]
	if !ok || l.byID[activity] == nil {
		return false
	}
	row := l.byID[activity].row
	row.Status, row.End = Success, end
	for len(l.members) < row.DesireValue {
		m := l.newMember(at, e.seq, end)
		e.seq++
		l.members = append(l.members, m)
		row.Added = append(row.Added, Instance{ID: m.ID, Name: m.Name})
	}
	for len(l.members) > row.DesireValue {
		row.Deleted = append(row.Deleted, Instance{ID: l.members[0].ID, Name: l.members[0].Name})
		l.members = l.members[1:]
	}
	ended := newEntry(row)
	l.replace(ended)
	e.changed(Updated, at, ended.row)
	return true
}

// newMember returns an instance with the group's configuration, whose id is derived from n.
func (l *log) newMember(at place, n uint64, joined time.Time) Member {
	id := DeriveID(at.project, at.group, n)
	name := l.info.ConfigName
	orDefault(&name, "as-config")
	return Member{
		ID: id, Name: name + "_" + strings.ToUpper(id[:8]), ConfigID: l.info.ConfigID, ConfigName: l.info.ConfigName, Joined: joined,
	}.normal()
}
