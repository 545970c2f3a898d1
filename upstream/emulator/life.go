package emulator

import (
	"slices"
	"sync"
	"time"
)

// life brings the story of one group into its log: what has happened by now is there, what has begun is DOING, what is too old is gone.
type life struct {
	plan plan

	mu      sync.Mutex
	story   *story
	started bool
	running []Row // as they will be once they have ended
}

func newLife(p plan, seed uint64, now time.Time) *life {
	return &life{plan: p, story: newStory(p, seed, now.Add(-p.keep))}
}

// begin tells the group's history when it is first asked for.
func (l *life) begin(e *Emulator, now time.Time) {
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
func (l *life) tell(e *Emulator, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = true
	l.finish(e, now)
	e.Insert(DemoProject, l.plan.group, l.news(now)...)
	e.ExpireBefore(DemoProject, l.plan.group, now.Add(-l.plan.keep))
}

func (l *life) finish(e *Emulator, now time.Time) {
	l.running = slices.DeleteFunc(l.running, func(r Row) bool {
		if r.End.After(now) {
			return false
		}
		e.Update(DemoProject, l.plan.group, r.ID, func(old *Row) { *old = r })
		return true
	})
}

// news returns the rows that started since the last time.
func (l *life) news(now time.Time) []Row {
	rows := make([]Row, 0, max(0, now.Sub(l.story.next))/((l.plan.quiet+l.plan.calm)/2)+16)
	for !l.story.next.After(now) {
		r := l.story.step()
		if r.End.After(now) {
			l.running = append(l.running, r)
			r = unfinished(r)
		}
		rows = append(rows, r)
	}
	return rows
}

// unfinished is how a row looks before its outcome is known.
func unfinished(r Row) Row {
	return Row{
		ID: r.ID, Status: Doing, Type: r.Type, Description: r.Description, Start: r.Start,
		InstanceValue: r.InstanceValue, DesireValue: r.DesireValue, ScalingValue: r.ScalingValue,
	}
}
