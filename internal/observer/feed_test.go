package observer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// A fleet is the replicas that run now.
type fleet struct {
	start func() replica
	log   *trace

	mu  sync.Mutex
	all []replica
}

func (f *fleet) clients() []client {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []client
	for _, r := range f.all {
		all = append(all, r.client)
	}
	return all
}

func (f *fleet) grow() {
	r := f.start()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, r)
}

// replace ends one replica after another one has started.
func (f *fleet) replace(rng *rand.Rand) {
	f.grow()
	f.mu.Lock()
	i := rng.IntN(len(f.all) - 1)
	old := f.all[i]
	f.all = append(f.all[:i:i], f.all[i+1:]...)
	f.mu.Unlock()
	f.log.addf("replica %s is replaced", old.base)
	old.stop()
}

func (f *fleet) stop() {
	for _, r := range f.all {
		r.stop()
	}
}

// A course is how a history of subscriptions goes.
type schedule struct {
	lasts, settles time.Duration // while the logs move, and at most until everybody has heard of everything
	move, stays    time.Duration // between two moves, and with one stream, on average
	call           time.Duration // one upstream call, at most
	restart        func()        // restarts Redis; nil: there is none
}

// minutes is a course in virtual time, for default settings.
var minutes = schedule{lasts: 90 * time.Second, settles: 60 * time.Second, move: 1500 * time.Millisecond, stays: 15 * time.Second, call: 300 * time.Millisecond}

// followHistory runs one history of subscriptions and returns what was wrong with it.
func followHistory(t testing.TB, seed uint64, c schedule, start start) *trace {
	rng := random(seed, "history")
	sizes := make([]int, 1+rng.IntN(3))
	for i := range sizes {
		sizes[i] = rng.IntN(250)
	}
	w := newWorld(seed, sizes, 0.2)
	w.mover.retain = time.Hour // rows stay until everybody has heard of them
	w.unsteady(random(seed, "calls"), c.call*time.Duration(rng.IntN(2)), []float64{0, 0.2, 0.5}[rng.IntN(3)], "")
	f := &fleet{start: func() replica { return start(t, w.Emulator) }, log: w.log}
	for range 2 + rng.IntN(2) {
		f.grow()
	}
	defer f.stop()

	following, leave := context.WithCancel(t.Context())
	moving, settle := context.WithCancel(following)
	defer leave()
	var streams, moves, begun sync.WaitGroup
	followers := make([]*follower, 2+rng.IntN(3))
	for i := range followers {
		name := fmt.Sprintf("follower %d", i)
		own := random(seed, name)
		k := &follower{name: name, rng: own, log: w.log, record: record{w.Emulator, w.mover}, replicas: f.clients, groups: w.mover.groups, stays: c.stays}
		if own.IntN(3) == 0 {
			k.groups = k.groups[:1]
		}
		if own.IntN(4) == 0 {
			k.filter.types = []string{"NORMAL", "DIFF", "MODIFY_ELB", "MANNUAL_ADD"}
		}
		followers[i] = k
		begun.Add(1)
		subscribed := sync.OnceFunc(begun.Done)
		streams.Go(func() {
			k.follow(following, subscribed)
			subscribed() // it failed
		})
	}
	moves.Go(func() { w.keepMoving(moving, random(seed, "moves"), c.move) })
	moves.Go(func() { disturb(moving, random(seed, "disturbances"), f, c) })
	begun.Wait()
	pause(following, c.lasts)
	settle()
	moves.Wait()
	w.OnRequest(nil)
	for waited := time.Duration(0); waited < c.settles && behind(followers, w); waited += c.settles / 50 {
		pause(following, c.settles/50)
	}
	leave()
	streams.Wait()
	for _, k := range followers {
		for _, fault := range k.judge(w.sw) {
			w.log.failf("%s", fault)
		}
	}
	return w.log
}

func behind(followers []*follower, w *world) bool {
	for _, f := range followers {
		if len(f.missing(w.sw)) > 0 {
			return true
		}
	}
	return false
}

// disturb replaces replicas and restarts Redis.
func disturb(ctx context.Context, rng *rand.Rand, f *fleet, c schedule) {
	if rng.IntN(3) == 0 {
		return
	}
	for {
		pause(ctx, time.Duration((0.2+rng.ExpFloat64())*float64(c.stays)))
		if ctx.Err() != nil {
			return
		}
		if c.restart != nil && rng.IntN(2) == 0 {
			f.log.addf("Redis is restarted")
			c.restart()
			continue
		}
		f.replace(rng)
	}
}
