package upstream

import (
	"sync"
	"time"
)

// A Basis is something kept that a caller was given: what an answer rests on. Whoever keeps the whole answer asks it whether the
// answer may be given again.
type Basis interface {
	// Holds reports whether the same caller would be given the very same now, without anything being read or renewed.
	Holds(now time.Time) bool
	// Count counts that it was given once more.
	Count(t *Tally)
}

// bases are what one answer rests on. The zero value rests on nothing.
type bases struct {
	mu   sync.Mutex
	list []Basis
}

// RestOn notes that the answer rests on b.
func (t *Tally) RestOn(b Basis) {
	t.bases.mu.Lock()
	defer t.bases.mu.Unlock()
	t.bases.list = append(t.bases.list, b)
}

// Bases returns all that the answer rests on; nil where it rests on anything that is not kept: what was just read for it, or what
// another caller's call brought.
func (t *Tally) Bases() []Basis {
	t.bases.mu.Lock()
	defer t.bases.mu.Unlock()
	if t.Calls.Load() > 0 || t.Coalesced.Load() > 0 {
		return nil
	}
	return t.bases.list
}
