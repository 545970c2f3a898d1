package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// busyGroup is the group in which activities start and end while replicas restart.
const busyGroup = "22222222-3333-4444-5555-666666666666"

// follower is a client that subscribes again, with the cursor of its last change, whenever its stream ends.
type follower struct {
	name    string
	group   string
	patient bool // retries after an error instead of failing
	open    func(query string) (listener, error)

	mu             sync.Mutex
	receivedChange []string // kinds and ids of the changes received
	begun          int      // streams
	failed         []string // what no client can recover from
}

func (f *follower) note(to *[]string, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*to = append(*to, text)
}

// over reports whether the follower received the end of an activity, or gave up.
func (f *follower) over(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.receivedChange, "FINISHED "+id) || len(f.failed) > 0
}

// follow goes on until ctx ends.
func (f *follower) follow(ctx context.Context) {
	since := ""
	for ctx.Err() == nil {
		l, err := f.open(changesOf(since, f.group))
		if err != nil {
			f.note(&f.failed, err.Error())
			return
		}
		f.mu.Lock()
		f.begun++
		f.mu.Unlock()
		stop := context.AfterFunc(ctx, l.leave)
		refused := false
		for h, ok := l.next(); ok; h, ok = l.next() {
			if refused = f.patient && len(h.Errors) > 0; refused {
				continue
			}
			since = fmt.Sprintf("since: %q", h.Data.Change.Cursor)
			f.note(&f.receivedChange, h.String())
		}
		if stop(); ctx.Err() == nil && !l.endReported() && !refused {
			f.note(&f.failed, "a stream ended without the message of its protocol")
		}
		l.leave()
		if refused {
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// check compares the changes received with the activities that existed: the end of each exactly once, its start at most once and before that.
func (f *follower) check(t *testing.T, ids []string) {
	t.Helper()
	at := map[string]int{}
	for i, h := range f.receivedChange {
		if before, twice := at[h]; twice {
			t.Errorf("%s: %s was received as number %d and %d", f.name, h, before, i)
		}
		at[h] = i
	}
	for _, id := range ids {
		end, ended := at["FINISHED "+id]
		if start, started := at["STARTED "+id]; !ended || started && start > end {
			t.Errorf("%s: of %s the start came as %d (%v), the end as %d (%v)", f.name, id, start, started, end, ended)
		}
	}
	if len(f.failed) > 0 {
		t.Errorf("%s: %v", f.name, f.failed)
	}
}

// generateActivities starts and finishes activities of busyGroup until stop is closed, then finishes those that still run. It returns their ids.
func generateActivities(e *emulator.Emulator, stop <-chan struct{}) (ids []string) {
	began := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	finish := func(i int) {
		e.Finish(testProject, busyGroup, ids[i], emulator.Success, began.Add(time.Duration(i+20)*time.Second))
	}
	const running = 5
	for tick := time.NewTicker(25 * time.Millisecond); ; {
		select {
		case <-tick.C:
		case <-stop:
			tick.Stop()
			for i := max(0, len(ids)-running); i < len(ids); i++ {
				finish(i)
			}
			return ids
		}
		n := len(ids)
		ids = append(ids, emulator.ID(100_000+n))
		e.Insert(testProject, busyGroup, emulator.Row{ID: ids[n], Status: emulator.Doing, Type: "NORMAL", Start: began.Add(time.Duration(n) * time.Second)})
		if n >= running {
			finish(n - running)
		}
	}
}
