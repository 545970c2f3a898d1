package demo

import (
	"slices"
	"sync"
	"time"

	"scalegraph/upstream/emulator"
)

// groupState writes the simulation of one group to the emulator: rows that have ended, rows in progress, and the expiry of old rows.
type groupState struct {
	plan plan

	mu         sync.Mutex
	sim        *simulation
	hasStarted bool
	running    []emulator.Row // rows in progress, as they will end
	roster     roster
}

func newGroupState(p plan, seed uint64, now time.Time) *groupState {
	l := &groupState{plan: p, sim: newSimulation(p, seed, now.Add(-p.retention))}
	l.roster.apply(emulator.Row{Type: emulator.Normal, Added: l.sim.members, End: now.Add(-p.retention)}, p.config)
	return l
}

// begin creates the group's history at the first request.
func (l *groupState) begin(e *emulator.Emulator, now time.Time) {
	if !l.started() {
		l.update(e, now)
	}
}

func (l *groupState) started() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hasStarted
}

// update brings the log, the execution logs and the instances up to now.
func (l *groupState) update(e *emulator.Emulator, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hasStarted = true
	l.finish(e, now)
	rows := l.newRows(now)
	e.Insert(Project, l.plan.group, rows...)
	l.execute(e, rows, now)
	e.ExpireBefore(Project, l.plan.group, now.Add(-l.plan.retention))
	for _, p := range l.plan.policies {
		e.ExpireExecutions(Project, p.id, now.Add(-l.plan.retention))
	}
	e.SetMembers(Project, l.plan.group, l.roster.current(l.sim, l.running, l.plan.config)...)
	desire := min(max(l.sim.target, l.plan.minSize), l.plan.maxSize)
	e.UpdateGroup(Project, l.plan.group, func(g *emulator.Group) { g.Desire = desire })
}

func (l *groupState) finish(e *emulator.Emulator, now time.Time) {
	l.running = slices.DeleteFunc(l.running, func(r emulator.Row) bool {
		if r.End.After(now) {
			return false
		}
		e.Update(Project, l.plan.group, r.ID, func(old *emulator.Row) { *old = r })
		l.roster.apply(r, l.plan.config)
		return true
	})
}

// newRows returns the rows that started since the last update.
func (l *groupState) newRows(now time.Time) []emulator.Row {
	rows := make([]emulator.Row, 0, max(0, now.Sub(l.sim.next))/((l.plan.minInterval+l.plan.maxInterval)/2)+16)
	for !l.sim.next.After(now) {
		r := l.sim.step()
		if r.End.After(now) {
			l.running = append(l.running, r)
			r = unfinished(r)
		} else {
			l.roster.apply(r, l.plan.config)
		}
		rows = append(rows, r)
	}
	return rows
}

// execute adds the executions of policies that caused rows.
func (l *groupState) execute(e *emulator.Emulator, rows []emulator.Row, now time.Time) {
	logs := map[string][]emulator.Execution{}
	for _, row := range rows {
		policy, x, ok := execution(row)
		if !ok {
			continue
		}
		logs[policy] = append(logs[policy], x)
		if refused, ok := refusedAfter(x); ok && !refused.Time.After(now) && l.plan.alarm(policy) {
			logs[policy] = append(logs[policy], refused)
		}
	}
	for policy, list := range logs {
		e.PutExecutions(Project, policy, list...)
	}
}

// alarm reports whether a policy of the plan is triggered by an alarm.
func (p plan) alarm(id string) bool {
	return slices.ContainsFunc(p.policies, func(own policy) bool { return own.id == id && own.kind == emulator.PolicyAlarm })
}

// unfinished returns a row as it is before it has ended.
func unfinished(r emulator.Row) emulator.Row {
	return emulator.Row{
		ID: r.ID, Status: emulator.Doing, Type: r.Type, Description: r.Description, Start: r.Start,
		InstanceValue: r.InstanceValue, DesireValue: r.DesireValue, ScalingValue: r.ScalingValue,
	}
}
