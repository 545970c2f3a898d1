package cache

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// trips takes what many goroutines ask of Redis at one moment there and back in one pipeline. Nobody waits for company: what
// comes while pipelines are under way goes with the next. In a cluster everything goes by itself, since a pipeline there ends with
// the slowest of the servers that it concerns.
type trips struct {
	rdb   redis.UniversalClient
	alone bool
	bound time.Duration // of one trip
	wg    sync.WaitGroup

	mu      sync.Mutex
	waiting []*trip
	under   int // pipelines under way
}

// trip is what one goroutine asks.
type trip struct {
	cmds []redis.Cmder
	done chan struct{} // closed when the commands have their answers; nobody else touches them before
	late atomic.Bool   // nobody waits for it any more
}

const (
	maxUnder = 2   // pipelines under way at once: the more there are, the less travels in each
	maxBatch = 128 // trips in one pipeline
)

var errTripSlow = errors.New("no answer in time")

func newTrips(rdb redis.UniversalClient, bound time.Duration) *trips {
	_, cluster := rdb.(*redis.ClusterClient)
	return &trips{rdb: rdb, alone: cluster, bound: bound}
}

// close waits for what is under way.
func (t *trips) close() { t.wg.Wait() }

// make returns when the commands have their answers, and an error where one of them has none, or the time is over. After an
// error the commands are not to be touched.
func (t *trips) make(cmds ...redis.Cmder) error {
	own := t.leave(cmds)
	late := time.NewTimer(t.bound)
	defer late.Stop()
	select {
	case <-own.done:
	case <-late.C:
		own.late.Store(true)
		return errTripSlow
	}
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}

// leave sends commands on their way.
func (t *trips) leave(cmds []redis.Cmder) *trip {
	own := &trip{cmds: cmds, done: make(chan struct{})}
	if t.alone {
		t.wg.Go(func() { t.exec([]*trip{own}) })
		return own
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, own)
	if t.under < maxUnder {
		t.under++
		t.wg.Go(t.run)
	}
	return own
}

// run makes trips as long as somebody waits.
func (t *trips) run() {
	for {
		runtime.Gosched() // other goroutines of the same request are about to ask, too
		batch := t.take()
		if batch == nil {
			return
		}
		t.exec(batch)
	}
}

func (t *trips) take() []*trip {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.under--
		return nil
	}
	n := min(len(t.waiting), maxBatch)
	batch := t.waiting[:n:n]
	if t.waiting = t.waiting[n:]; len(t.waiting) == 0 {
		t.waiting = nil
	}
	return batch
}

func (t *trips) exec(batch []*trip) {
	ctx, cancel := context.WithTimeout(context.Background(), t.bound)
	defer cancel()
	pipe := t.rdb.Pipeline()
	for _, own := range batch {
		if !own.late.Load() {
			_ = pipe.BatchProcess(ctx, own.cmds...)
		}
	}
	_, _ = pipe.Exec(ctx) // each command tells its own error
	for _, own := range batch {
		close(own.done)
	}
}
