package upstream

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrBusy means that no slot for a call became free in time. Nothing was sent.
var ErrBusy = fmt.Errorf("no upstream slot became free in time: %w", ErrUnavailable)

// maxQueued is the minimum for the number of waiting calls of one caller, which is otherwise four times the slots.
const maxQueued = 256

// bulkhead shares a fixed number of slots between groups and callers. No group and no caller holds more than a quarter of them, so that one
// that does not respond leaves the rest to the others. A free slot goes to the waiting caller with the fewest slots, then to the one that has
// waited longest. A waiting call holds no slot, which nested semaphores could not guarantee.
type bulkhead struct {
	size    int
	share   int           // of one group or one caller
	maxWait time.Duration // for a slot

	mu       sync.Mutex
	inUse    int
	byGroup  map[groupKey]int // slots in use
	byCaller map[string]int
	waiters  []*waiter      // oldest first
	queued   map[string]int // waiters by caller
}

type waiter struct {
	group   groupKey
	caller  string
	granted chan struct{}
}

func newBulkhead(size int, maxWait time.Duration) *bulkhead {
	return &bulkhead{
		size: size, share: (size + 3) / 4, maxWait: maxWait,
		byGroup: map[groupKey]int{}, byCaller: map[string]int{}, queued: map[string]int{},
	}
}

// acquire waits for a slot and returns a function that releases it. It fails with ErrBusy after maxWait, or at once if the caller has
// too many calls waiting, and with ctx.Err() if ctx ends first.
func (b *bulkhead) acquire(ctx context.Context, group groupKey, caller string) (release func(), err error) {
	w := &waiter{group: group, caller: caller, granted: make(chan struct{})}
	release = func() { b.release(w) }
	if !b.enqueue(w) {
		return nil, ErrBusy
	}
	select {
	case <-w.granted:
		return release, nil
	default:
	}
	timer := time.NewTimer(b.maxWait)
	defer timer.Stop()
	select {
	case <-w.granted:
		return release, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = ErrBusy
	}
	if !b.remove(w) { // granted in the meantime
		release()
	}
	return nil, err
}

// enqueue adds a waiter, and returns false if the caller has too many. It grants a slot at once if one is free.
func (b *bulkhead) enqueue(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queued[w.caller] >= max(maxQueued, 4*b.size) {
		return false
	}
	b.waiters = append(b.waiters, w)
	b.queued[w.caller]++
	b.grant()
	return true
}

func (b *bulkhead) release(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inUse--
	decrement(b.byGroup, w.group)
	decrement(b.byCaller, w.caller)
	b.grant()
}

// remove removes a waiter from the queue and reports whether it was waiting.
func (b *bulkhead) remove(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiters, w)
	if i < 0 {
		return false
	}
	b.dequeue(i)
	return true
}

func (b *bulkhead) dequeue(i int) {
	decrement(b.queued, b.waiters[i].caller)
	b.waiters = slices.Delete(b.waiters, i, i+1)
}

// grant gives free slots to waiters whose group and caller have not used up their shares.
func (b *bulkhead) grant() {
	for b.inUse < b.size {
		next := -1
		for i, w := range b.waiters {
			if b.byGroup[w.group] < b.share && b.byCaller[w.caller] < b.share &&
				(next < 0 || b.byCaller[w.caller] < b.byCaller[b.waiters[next].caller]) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		w := b.waiters[next]
		b.dequeue(next)
		b.inUse++
		b.byGroup[w.group]++
		b.byCaller[w.caller]++
		close(w.granted)
	}
}

func decrement[K comparable](m map[K]int, key K) {
	if m[key]--; m[key] == 0 {
		delete(m, key)
	}
}
