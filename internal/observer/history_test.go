package observer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// A start starts one replica of the program over an emulator.
type start func(t testing.TB, e *emulator.Emulator) replica

// A replica is a running program.
type replica struct {
	client
	stop func() // ends it at once; may be called again
}

// random returns a generator of its own for each part of a history, so that the parts do not disturb each other.
func random(seed uint64, part string) *rand.Rand {
	var b [32]byte
	copy(b[:], fmt.Sprintf("%x %s", seed, part))
	return rand.New(rand.NewChaCha8(b))
}

// A world is an upstream that moves, and its record.
type world struct {
	*emulator.Emulator
	sw    emulator.Switches
	mover *mover
	log   *trace
}

// newWorld makes logs of the given sizes.
func newWorld(seed uint64, sizes []int, ties float64) *world {
	rng := random(seed, "world")
	sw := emulator.Switches{
		Access: emulator.AccessOpen, Ties: emulator.Ties(rng.IntN(4)), Seed: seed, Window: emulator.Window(rng.IntN(3)),
		DoingInWindow: emulator.DoingInWindow(rng.IntN(2)), Bounds: emulator.Bounds(rng.IntN(3)), DoingEnd: emulator.DoingEnd(rng.IntN(3)),
		LimitZero: emulator.LimitZeroRefused, Compression: emulator.GzipNever,
	}
	w := &world{Emulator: emulator.New(sw), sw: sw, log: new(trace)}
	groups := make([]string, len(sizes))
	for i := range groups {
		groups[i] = fmt.Sprintf("g%d", i)
	}
	w.mover = newMover(w.Emulator, rng, w.log, groups)
	w.mover.fill(sizes, ties, rng.Float64()/2, time.Now().UTC().Truncate(time.Second))
	w.OnResponse(w.log.call)
	return w
}

// unsteady has the upstream take a while for each call, and change on the arrival of some, the less often the more calls there are.
func (w *world) unsteady(rng *rand.Rand, slowest time.Duration, during float64, broken string) {
	const burst, rest = 20, 10 * time.Second // at most so many changes in each stretch of time
	var mu sync.Mutex
	var began time.Time
	left := 0
	w.OnRequest(func(emulator.Request) {
		mu.Lock()
		if time.Since(began) > rest {
			began, left = time.Now(), burst
		}
		moves := left > 0 && rng.Float64() < during
		if moves {
			left--
		}
		mu.Unlock()
		if moves {
			w.mover.move("during a call")
		}
	})
	w.Fault(func(r *http.Request) *emulator.Fault {
		mu.Lock()
		defer mu.Unlock()
		f := &emulator.Fault{}
		if slowest > 0 {
			f.Delay, f.Late = time.Duration(rng.Int64N(int64(slowest))), time.Duration(rng.Int64N(int64(slowest)))
		}
		if broken != "" && emulator.ForGroup(broken, emulator.Fault{})(r) != nil {
			f.Status, f.Code = http.StatusForbidden, "APIG.0302"
		}
		return f
	})
}

// keepMoving changes the logs until ctx ends.
func (w *world) keepMoving(ctx context.Context, rng *rand.Rand, every time.Duration) {
	for {
		select {
		case <-time.After(time.Duration(rng.ExpFloat64() * float64(every))):
			w.mover.move("on its own")
		case <-ctx.Done():
			return
		}
	}
}

// walkHistory runs one history of walks and returns what was wrong with it.
func walkHistory(t testing.TB, seed uint64, speed speed, start start) *trace {
	rng := random(seed, "history")
	groups, rows, pages := 1, 700, 25
	switch n := rng.IntN(60); {
	case n == 0: // a wide feed, of more groups than the upstream allows calls
		groups, rows, pages = 40+rng.IntN(61), 1000, 6
	case n < 20:
		groups = 2 + rng.IntN(5)
		rows /= groups
	}
	sizes := make([]int, groups)
	for i := range sizes {
		sizes[i] = rng.IntN(10 + rows)
	}
	w := newWorld(seed, sizes, []float64{0, 0.1, 0.5, 0.9}[rng.IntN(4)])
	broken := ""
	if groups > 1 && rng.IntN(5) == 0 {
		broken = w.mover.groups[rng.IntN(groups)]
	}
	w.unsteady(random(seed, "calls"), speed.call*time.Duration(rng.IntN(3)), []float64{0, 0.05, 0.3}[rng.IntN(3)], broken)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var clients []client
	for range 1 + rng.IntN(2) {
		r := start(t, w.Emulator)
		defer r.stop()
		clients = append(clients, r.client)
	}
	var moving, walking sync.WaitGroup
	every := []time.Duration{0, speed.move, speed.move * 10}[rng.IntN(3)]
	if every > 0 {
		moving.Go(func() { w.keepMoving(ctx, random(seed, "moves"), every) })
	}
	if speed.restart != nil {
		moving.Go(func() {
			for pause(ctx, speed.think*4); ctx.Err() == nil; pause(ctx, speed.think*4) {
				w.log.addf("Redis is restarted")
				speed.restart()
			}
		})
	}
	seen := &cursors{all: map[string]string{}}
	for i := range 1 + rng.IntN(3) {
		name := fmt.Sprintf("walker %d", i)
		k := &walker{
			name: name, rng: random(seed, name), log: w.log, judge: judge{record: record{w.Emulator, w.mover}, sw: w.sw, broken: broken, realTime: speed.realTime}, clients: clients,
			groups: w.mover.groups, cursors: seen, think: speed.think, pages: pages,
		}
		walking.Go(func() { k.run(ctx, 2) })
	}
	walking.Wait()
	cancel()
	moving.Wait()
	return w.log
}

// summaryHistory runs one history of summaries and returns what was wrong with it.
func summaryHistory(t testing.TB, seed uint64, speed speed, start start) *trace {
	rng := random(seed, "summaries")
	w := newWorld(seed, []int{rng.IntN(500), rng.IntN(500)}, []float64{0, 0.1, 0.5, 0.9}[rng.IntN(4)])
	w.unsteady(random(seed, "calls"), speed.call*time.Duration(rng.IntN(3)), []float64{0, 0.05, 0.3}[rng.IntN(3)], "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := start(t, w.Emulator)
	defer r.stop()
	var moving sync.WaitGroup
	if every := []time.Duration{0, speed.move, speed.move * 10}[rng.IntN(3)]; every > 0 {
		moving.Go(func() { w.keepMoving(ctx, random(seed, "moves"), every) })
	}
	k := &walker{
		name: "walker", rng: random(seed, "walker"), log: w.log, judge: judge{record: record{w.Emulator, w.mover}, sw: w.sw}, clients: []client{r.client},
		groups: w.mover.groups, think: speed.think,
	}
	for range 10 {
		k.summarize(ctx)
		k.wait(ctx)
	}
	cancel()
	moving.Wait()
	return w.log
}

// A pace is how fast a history goes. Virtual time costs nothing.
type speed struct {
	call, move, think time.Duration
	restart           func() // restarts Redis; nil: there is none
	realTime          bool
}

var leisurely = speed{call: 200 * time.Millisecond, move: 500 * time.Millisecond, think: 6 * time.Second}
