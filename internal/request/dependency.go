package request

import (
	"sync"
	"time"
)

// A Dependency is a cached value that a response was made from. The response cache serves the response again only while all of its
// dependencies are valid.
type Dependency interface {
	// Valid reports whether the same caller would get the same value from the cache now, without a read or a revalidation.
	Valid(now time.Time) bool
	// RecordHit counts in t that the value was served from the cache once more.
	RecordHit(t *Tally)
}

// dependencies are the cached values that one response was made from. The zero value is empty.
type dependencies struct {
	mu   sync.Mutex
	list []Dependency
}

// AddDependency records that the response was made from d.
func (t *Tally) AddDependency(d Dependency) {
	t.deps.mu.Lock()
	defer t.deps.mu.Unlock()
	t.deps.list = append(t.deps.list, d)
}

// Dependencies returns the cached values that the response was made from. It returns nil if the response also contains rows that
// this request or a concurrent one has just fetched.
func (t *Tally) Dependencies() []Dependency {
	t.deps.mu.Lock()
	defer t.deps.mu.Unlock()
	if t.Calls.Load() > 0 || t.Coalesced.Load() > 0 {
		return nil
	}
	return t.deps.list
}
