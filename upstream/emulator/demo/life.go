package demo

import (
	"slices"
	"sync"
	"time"

	"scalegraph/upstream/emulator"
)

// life brings the story of one group into its log: what has happened by now is there, what has begun is DOING, what is too old is gone.
type life struct {
	plan plan

	mu      sync.Mutex
	story   *story
	started bool
	running []emulator.Row // as they will be once they have ended
	roster  roster
}

func newLife(p plan, seed uint64, now time.Time) *life {
	l := &life{plan: p, story: newStory(p, seed, now.Add(-p.keep))}
	l.roster.apply(emulator.Row{Type: emulator.Normal, Added: l.story.members, End: now.Add(-p.keep)}, p.config)
	return l
}

// begin tells the group's history when it is first asked for.
func (l *life) begin(e *emulator.Emulator, now time.Time) {
	if !l.begun() {
		l.tell(e, now)
	}
}

func (l *life) begun() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.started
}

// tell brings the log up to now.
func (l *life) tell(e *emulator.Emulator, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = true
	l.finish(e, now)
	rows := l.news(now)
	e.Insert(Project, l.plan.group, rows...)
	l.execute(e, rows, now)
	e.ExpireBefore(Project, l.plan.group, now.Add(-l.plan.keep))
	for _, p := range l.plan.policies {
		e.ExpireExecutions(Project, p.id, now.Add(-l.plan.keep))
	}
	e.SetMembers(Project, l.plan.group, l.roster.current(l.story, l.running, l.plan.config)...)
	desire := min(max(l.story.target, l.plan.least), l.plan.most)
	e.UpdateGroup(Project, l.plan.group, func(g *emulator.Group) { g.Desire = desire })
}

func (l *life) finish(e *emulator.Emulator, now time.Time) {
	l.running = slices.DeleteFunc(l.running, func(r emulator.Row) bool {
		if r.End.After(now) {
			return false
		}
		e.Update(Project, l.plan.group, r.ID, func(old *emulator.Row) { *old = r })
		l.roster.apply(r, l.plan.config)
		return true
	})
}

// news returns the rows that started since the last time.
func (l *life) news(now time.Time) []emulator.Row {
	rows := make([]emulator.Row, 0, max(0, now.Sub(l.story.next))/((l.plan.quiet+l.plan.calm)/2)+16)
	for !l.story.next.After(now) {
		r := l.story.step()
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

// execute writes the entries of the execution logs that agree with rows.
func (l *life) execute(e *emulator.Emulator, rows []emulator.Row, now time.Time) {
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

// alarm reports whether a policy of the plan is fired by an alarm.
func (p plan) alarm(id string) bool {
	return slices.ContainsFunc(p.policies, func(own policy) bool { return own.id == id && own.kind == emulator.PolicyAlarm })
}

// unfinished is how a row looks before its outcome is known.
func unfinished(r emulator.Row) emulator.Row {
	return emulator.Row{
		ID: r.ID, Status: emulator.Doing, Type: r.Type, Description: r.Description, Start: r.Start,
		InstanceValue: r.InstanceValue, DesireValue: r.DesireValue, ScalingValue: r.ScalingValue,
	}
}
