package execution

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"scalegraph/internal/request"
)

// maxCostWait is how long an operation waits until the cost of others is released.
const maxCostWait = time.Second

// costBudget bounds the sum of the costs of operations in flight, and with it the memory that their responses take. One caller holds at most
// a quarter of it, so that the rest stays free for others. An operation that costs more than a quarter counts as a quarter: otherwise it could
// never run. The nil costBudget has no bound. It is safe for concurrent use.
type costBudget struct {
	share int64 // of one caller
	total *semaphore.Weighted

	mu      sync.Mutex
	callers map[string]*callerShare // those with operations that run or wait
}

type callerShare struct {
	*semaphore.Weighted
	users int // operations that run or wait
}

// newCostBudget returns a budget of a size; nil if that is 0.
func newCostBudget(size int) *costBudget {
	if size == 0 {
		return nil
	}
	return &costBudget{share: (int64(size) + 3) / 4, total: semaphore.NewWeighted(int64(size)), callers: map[string]*callerShare{}}
}

// acquire waits at most for maxCostWait at each bound, or until ctx ends, and then rejects the operation. Otherwise release must be called once.
func (b *costBudget) acquire(ctx context.Context, c *request.Caller, cost int) (release func(), rejected *Rejection) {
	if b == nil {
		return func() {}, nil
	}
	weight := min(int64(cost), b.share)
	var undo []func()
	release = func() {
		for _, f := range undo {
			f()
		}
	}
	for _, key := range c.Identities() { // sorted, so that operations cannot wait for each other
		share := b.enter(key)
		undo = append(undo, func() { b.leave(key) })
		if !wait(ctx, share.Weighted, weight) {
			release()
			return nil, &Rejection{http.StatusTooManyRequests, rateLimited(time.Second, "This caller has too much in flight at once; try again later.")}
		}
		undo = append(undo, func() { share.Release(weight) })
	}
	if !wait(ctx, b.total, weight) {
		release()
		return nil, &Rejection{http.StatusServiceUnavailable, rateLimited(time.Second, "The server has too much in flight at once; try again later.")}
	}
	undo = append(undo, func() { b.total.Release(weight) })
	return release, nil
}

// wait acquires weight from s within maxCostWait.
func wait(ctx context.Context, s *semaphore.Weighted, weight int64) bool {
	if s.TryAcquire(weight) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, maxCostWait)
	defer cancel()
	return s.Acquire(ctx, weight) == nil
}

func (b *costBudget) enter(key string) *callerShare {
	b.mu.Lock()
	defer b.mu.Unlock()
	share := b.callers[key]
	if share == nil {
		share = &callerShare{Weighted: semaphore.NewWeighted(b.share)}
		b.callers[key] = share
	}
	share.users++
	return share
}

func (b *costBudget) leave(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	share := b.callers[key]
	if share.users--; share.users == 0 {
		delete(b.callers, key)
	}
}
