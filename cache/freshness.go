package cache

import "time"

// freshnessState is how a cached segment may be used.
type freshnessState int

const (
	stateFresh        freshnessState = iota // serve it
	stateStale                              // serve it and revalidate it in the background
	stateStaleIfError                       // serve it only if the upstream fails
	stateExpired                            // do not serve it
	stateMissing                            // nothing is cached
)

// ttls bounds how long segments are served.
type ttls struct {
	fresh        time.Duration
	stale        time.Duration // after fresh
	staleIfError time.Duration // after the read
}

// stateAt returns the state at now of a segment that was read at at and is fresh until until.
func (a ttls) stateAt(now, at, until time.Time) freshnessState {
	switch {
	case now.Before(until):
		return stateFresh
	case now.Before(until.Add(a.stale)):
		return stateStale
	case now.Before(at.Add(a.staleIfError)):
		return stateStaleIfError
	}
	return stateExpired
}
