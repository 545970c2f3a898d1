package cache

import (
	"time"

	"scalegraph/upstream"
)

// settledFor is how long rows that cannot change any more are believed without asking, before jitter.
const settledFor = 6 * time.Hour

// A state says what may be done with something kept.
type state int

const (
	fresh  state = iota // serve it
	aging               // serve it, and read it anew behind the answer
	old                 // serve it only while the upstream fails
	lost                // do not serve it
	absent              // there is nothing
)

// Ages are the bounds of what is kept.
type ages struct {
	fresh        time.Duration
	stale        time.Duration // after fresh
	staleIfError time.Duration // after it was read
}

// of returns the state at now of something read at a time and fresh until another.
func (a ages) of(now, at, until time.Time) state {
	switch {
	case now.Before(until):
		return fresh
	case now.Before(until.Add(a.stale)):
		return aging
	case now.Before(at.Add(a.staleIfError)):
		return old
	}
	return lost
}

// freshness returns how long rows stay fresh. Rows that have ended, and between which nothing can join or leave, do so for
// hours; jitter, from 0 to 1, spreads those.
func freshness(rows []*upstream.Activity, fixed bool, moving time.Duration, jitter float64) time.Duration {
	if !fixed || !ended(rows) {
		return moving
	}
	return max(moving, time.Duration(float64(settledFor)*(0.75+0.5*jitter)))
}
