package upstream

import (
	"net/http"
	"sync"
	"time"
)

// maxSkew is how far off our clock may be before the upstream refuses signatures. From saySkew on we say so.
const (
	maxSkew = 15 * time.Minute
	saySkew = time.Minute
)

// clock compares ours with the upstream's, which each answer tells. It goes on knowing the upstream's time between answers, so
// that it notices at once when somebody sets ours.
type clock struct {
	wall func() time.Time // ours

	mu     sync.Mutex
	theirs time.Time // as an answer said; zero: none has yet
	at     time.Time // when that was, by a clock that nobody sets
	said   bool      // our clock was last said to be wrong
}

func newClock() *clock { return &clock{wall: time.Now} }

// learn takes the time of an answer that has just arrived.
func (c *clock) learn(h http.Header) {
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.theirs, c.at = theirs, time.Now()
}

// skew returns by how much our clock is ahead, to a second or so; 0 where nothing is known.
func (c *clock) skew() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.theirs.IsZero() {
		return 0
	}
	return c.wall().Round(0).Sub(c.theirs.Add(time.Since(c.at)))
}

// news reports whether our clock went wrong, or right again, since news was last asked.
func (c *clock) news() (skew time.Duration, wrong, changed bool) {
	skew = c.skew()
	wrong = skew.Abs() > saySkew
	c.mu.Lock()
	defer c.mu.Unlock()
	changed = wrong != c.said
	c.said = wrong
	return skew, wrong, changed
}
