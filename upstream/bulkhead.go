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

// maxQueued is the minimum for the number of waiting calls of one caller, which is otherwise four times the slots. Four times as many calls of
// unknown callers may wait.
const maxQueued = 256

// bulkhead shares a fixed number of slots between groups and callers. No group and no caller holds more than a quarter of them, so that one
// that does not respond leaves the rest to the others; all unknown callers together hold at most half of them. A free slot goes to the waiting
// caller with the fewest slots, then to the one that has waited longest. A waiting call holds no slot, which nested semaphores could not
// guarantee.
type bulkhead struct {
	size    int
	share   int           // of one group or one caller
	unknown int           // of all unknown callers
	maxWait time.Duration // for a slot

	mu      sync.Mutex
	inUse   holders   // slots
	waiters []*waiter // oldest first
	queued  holders   // waiters
}

// holders counts calls.
type holders struct {
	all, unknown int
	byGroup      map[groupKey]int
	byCaller     map[callerKey]int
}

func newHolders() holders {
	return holders{byGroup: map[groupKey]int{}, byCaller: map[callerKey]int{}}
}

func (h *holders) add(r slotRequest, n int) {
	h.all += n
	if !r.known {
		h.unknown += n
	}
	count(h.byGroup, r.group, n)
	count(h.byCaller, r.caller, n)
}

// slotRequest identifies the group and the caller of a call that needs a slot.
type slotRequest struct {
	group  groupKey
	caller callerKey
	known  bool // the caller is authenticated, or the upstream has accepted its token before
}

type waiter struct {
	slotRequest
	granted chan struct{}
}

func newBulkhead(size int, maxWait time.Duration) *bulkhead {
	return &bulkhead{
		size: size, share: (size + 3) / 4, unknown: (size + 1) / 2, maxWait: maxWait, inUse: newHolders(), queued: newHolders(),
	}
}

// acquire waits for a slot and returns a function that releases it. It fails with ErrBusy after maxWait, or at once if the caller, or all
// unknown callers together, have too many calls waiting, and with ctx.Err() if ctx ends first.
func (b *bulkhead) acquire(ctx context.Context, r slotRequest) (release func(), err error) {
	w := &waiter{slotRequest: r, granted: make(chan struct{})}
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

// enqueue adds a waiter, and returns false if there are too many. It grants a slot at once if one is free.
func (b *bulkhead) enqueue(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := max(maxQueued, 4*b.size)
	if b.queued.byCaller[w.caller] >= limit || !w.known && b.queued.unknown >= 4*limit {
		return false
	}
	b.waiters = append(b.waiters, w)
	b.queued.add(w.slotRequest, 1)
	b.grant()
	return true
}

func (b *bulkhead) release(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inUse.add(w.slotRequest, -1)
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
	b.queued.add(b.waiters[i].slotRequest, -1)
	b.waiters = slices.Delete(b.waiters, i, i+1)
}

// grant gives free slots to waiters whose group and caller have not used up their shares.
func (b *bulkhead) grant() {
	for b.inUse.all < b.size {
		next := -1
		for i, w := range b.waiters {
			if b.mayHold(w) && (next < 0 || b.inUse.byCaller[w.caller] < b.inUse.byCaller[b.waiters[next].caller]) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		w := b.waiters[next]
		b.dequeue(next)
		b.inUse.add(w.slotRequest, 1)
		close(w.granted)
	}
}

// mayHold reports whether the shares permit one more slot.
func (b *bulkhead) mayHold(w *waiter) bool {
	return b.inUse.byGroup[w.group] < b.share && b.inUse.byCaller[w.caller] < b.share && (w.known || b.inUse.unknown < b.unknown)
}

// count adds n to the value of a key and deletes it if it becomes 0.
func count[K comparable](m map[K]int, key K, n int) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}
