package request

import (
	"sync"
	"time"
)

// A Dependency is something kept that a caller was given: what an answer rests on. Whoever keeps the whole answer asks it whether the
// answer may be given again.
type Dependency interface {
	// Valid reports whether the same caller would be given the very same now, without anything being read or renewed.
	Valid(now time.Time) bool
	// RecordHit counts that it was given once more.
	RecordHit(t *Tally)
}

// dependencies are what one answer rests on. The zero value rests on nothing.
type dependencies struct {
	mu   sync.Mutex
	list []Dependency
}

// AddDependency notes that the answer rests on b.
func (t *Tally) AddDependency(b Dependency) {
	t.bases.mu.Lock()
	defer t.bases.mu.Unlock()
	t.bases.list = append(t.bases.list, b)
}

// Dependencies returns all that the answer rests on; nil where it rests on anything that is not kept: what was just read for it, or what
// another caller's call brought.
func (t *Tally) Dependencies() []Dependency {
	t.bases.mu.Lock()
	defer t.bases.mu.Unlock()
	if t.Calls.Load() > 0 || t.Coalesced.Load() > 0 {
		return nil
	}
	return t.bases.list
}
