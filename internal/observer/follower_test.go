package observer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"scalegraph/upstream/emulator"
)

// A follower subscribes, and after each stream again from where that ended, at any replica.
type follower struct {
	name     string
	rng      *rand.Rand
	log      *trace
	record   record
	replicas func() []client
	groups   []string
	filter   filter
	stays    time.Duration // how long it stays with one stream, on average

	before, begun uint64 // number of the last change before it subscribed, and before the subscription had begun

	mu    sync.Mutex
	heard []change
}

// follow goes on until ctx ends. subscribed is called when the first subscription has begun.
func (f *follower) follow(ctx context.Context, subscribed func()) {
	since := ""
	f.before = f.record.e.Seq()
	for ctx.Err() == nil {
		s, where, err := f.connect(ctx, since)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, errEnded) {
				f.log.failf("%s: %v", f.name, err)
				return
			}
			pause(ctx, 100*time.Millisecond)
			continue
		}
		if since == "" {
			since = s.begin
			f.begun = f.record.e.Seq()
			subscribed()
		}
		f.log.addf("%s: subscribed at %s since %.12s…", f.name, where, since)
		leave := time.AfterFunc(time.Duration((0.2+f.rng.ExpFloat64())*float64(f.stays)), s.close)
		for {
			c, err := s.next()
			if err != nil {
				if f.log.addf("%s: %v", f.name, err); ctx.Err() == nil && !errors.Is(err, errEnded) && leave.Stop() {
					f.log.failf("%s: the stream gave %v", f.name, err)
				}
				break
			}
			f.log.addf("%s: %s %s revision %d", f.name, c.kind, c.edge.id, c.edge.revision)
			since = c.cursor
			f.mu.Lock()
			f.heard = append(f.heard, c)
			f.mu.Unlock()
		}
		leave.Stop()
		s.close()
	}
}

// connect subscribes at a random replica, and over server-sent events if it has no cursor yet: those show when a subscription has begun.
func (f *follower) connect(ctx context.Context, since string) (s stream, where string, err error) {
	all := f.replicas()
	c, query := all[f.rng.IntN(len(all))], subscription(f.groups, f.filter, since)
	if since == "" || f.rng.IntN(2) == 0 {
		s, err = c.events(ctx, query)
		return s, c.base, err
	}
	s, err = c.socket(ctx, query)
	return s, c.base, err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (f *follower) so() []change {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.heard)
}

// missing returns the rows whose last state was not received: those that changed after the subscription had begun, and are still in the log.
func (f *follower) missing(sw emulator.Switches) (rows []string) {
	latest := map[string]int{}
	for _, c := range f.so() {
		latest[c.edge.id] = c.edge.revision
	}
	for _, group := range f.groups {
		then := f.record.at(group, f.begun)
		for id, r := range f.record.at(group, f.record.e.Seq()) {
			old, there := then[id]
			if there && old.DesireValue == r.DesireValue || !f.filter.passes(r, sw) {
				continue
			}
			if revision, heard := latest[id]; !heard || revision != r.DesireValue {
				rows = append(rows, fmt.Sprintf("%s of %s, revision %d", id, group, r.DesireValue))
			}
		}
	}
	return rows
}

// judge returns what is wrong with the received changes. Every row's states come in order, each once; a poll may skip states that lasted shorter than
// its interval, but never the last one.
func (f *follower) judge(sw emulator.Switches) (faults []string) {
	known := map[string]map[string]emulator.Row{}
	optional := map[string]map[string]emulator.Row{}
	states := map[edge]bool{}
	for _, g := range f.groups {
		known[g], optional[g] = f.record.at(g, f.before), f.record.at(g, f.begun)
	}
	for _, c := range f.record.e.History() {
		if c.Kind == emulator.Inserted || c.Kind == emulator.Updated {
			states[shown(c.Group, c.Row)] = true
		}
	}
	last := map[string]change{}
	started := map[string]int64{}
	for i, c := range f.so() {
		e := c.edge
		wrong := func(format string, args ...any) {
			faults = append(faults, fmt.Sprintf("%s: event %d, %s %s of %s, revision %d: ", f.name, i, c.kind, e.id, e.group, e.revision)+fmt.Sprintf(format, args...))
		}
		if !states[e] {
			wrong("it never looked like that: %+v", e)
		}
		before, again := last[e.id]
		old, there := known[e.group][e.id]
		_, maybe := optional[e.group][e.id]
		switch {
		case again && e.revision == before.edge.revision:
			wrong("it is repeated")
		case again && e.revision < before.edge.revision:
			wrong("it comes after revision %d", before.edge.revision)
		case !again && there && e.revision <= old.DesireValue:
			wrong("it was so before the subscription")
		}
		want := "STARTED"
		if e.status != emulator.Doing {
			want = "FINISHED"
		} else if again || there {
			want = "UPDATED"
		}
		if c.kind != want && !(maybe && !there && c.kind == "UPDATED") {
			wrong("want %s", want)
		}
		if c.kind == "STARTED" {
			if started[e.group] > e.second {
				wrong("it started before one that was heard earlier")
			}
			started[e.group] = e.second
		}
		last[e.id] = c
	}
	for _, row := range f.missing(sw) {
		faults = append(faults, fmt.Sprintf("%s never heard of %s (subscribed at change %d)", f.name, row, f.begun))
	}
	return faults
}
