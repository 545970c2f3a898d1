package upstream

import (
	"context"
	"sync"
	"time"
)

// The upstream locks a pair of keys for lockTime after more than five refusals in a row. We stop one earlier than five.
const (
	maxRefused = 4
	lockTime   = 5 * time.Minute
)

// gate lets signed requests through, and keeps the upstream from locking the keys. Until a call was accepted, no more are
// under way than may still be refused, and the rest wait for their verdict. What was accepted once passes freely: keys that
// are revoked later are refused by as many calls as are under way at that moment, and a lock cannot harm them any more.
type gate struct {
	mu       sync.Mutex
	accepted bool          // the last verdict was a yes
	refused  int           // verdicts of no, in a row
	pending  int           // requests without a verdict yet
	resume   time.Time     // when one request may try again after too many were refused
	moved    chan struct{} // closed when a verdict has come
}

func newGate() *gate { return &gate{moved: make(chan struct{})} }

// verdict is what an answer says of the keys.
type verdict int

const (
	unclear verdict = iota
	yes
	no
)

// enter waits until a request may be sent, and reports false where none may. Whoever entered must leave.
func (g *gate) enter(ctx context.Context) (bool, error) {
	for {
		wait, open := g.try(time.Now())
		if wait == nil {
			return open, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func (g *gate) try(now time.Time) (wait <-chan struct{}, open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.refused >= maxRefused && (now.Before(g.resume) || g.pending > 0):
		return nil, false
	case g.refused < maxRefused && !g.accepted && g.refused+g.pending >= maxRefused:
		return g.moved, false
	}
	g.pending++
	return nil, true
}

// leave records a verdict, which stands for so many refusals if it is a no, and reports whether it was the one that shut the gate.
func (g *gate) leave(v verdict, refusals int) (shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending--
	switch v {
	case yes:
		g.accepted, g.refused = true, 0
	case no:
		g.accepted = false
		g.refused += refusals
		if g.refused >= maxRefused {
			shut = !time.Now().Before(g.resume)
			g.resume = time.Now().Add(lockTime)
		}
	}
	if !g.accepted || v != unclear {
		close(g.moved)
		g.moved = make(chan struct{})
	}
	return shut
}

// state returns whether the last verdict was a yes, how many in a row were not, and until when the gate is shut.
func (g *gate) state() (accepted bool, refused int, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accepted, g.refused, g.resume
}
