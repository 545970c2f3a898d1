package sign

import (
	"net/http"
	"sync"
	"time"
)

// The upstream rejects signatures if the local clock is off by more than MaxSkew. WarnSkew is the skew from which a warning is logged.
const (
	MaxSkew  = 15 * time.Minute
	WarnSkew = time.Minute
)

// Clock compares the local clock with the upstream's, which is in the Date header of responses. It extrapolates the upstream's time with the
// monotonic clock, so that it notices at once if the local clock is set. A Clock may be used concurrently.
type Clock struct {
	Now func() time.Time // the local clock

	mu         sync.Mutex
	serverTime time.Time // of the last response; zero: none
	receivedAt time.Time // with a monotonic reading
	warned     bool      // whether TakeWarning last returned that the clock is wrong
}

// NewClock returns a Clock that reads time.Now.
func NewClock() *Clock { return &Clock{Now: time.Now} }

// Observe records the Date of a response that has just arrived. It ignores a response without one.
func (c *Clock) Observe(h http.Header) {
	serverTime, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serverTime, c.receivedAt = serverTime, time.Now()
}

// Skew returns by how much the local clock is ahead, to about a second; 0 before the first response.
func (c *Clock) Skew() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serverTime.IsZero() {
		return 0
	}
	return c.Now().Round(0).Sub(c.serverTime.Add(time.Since(c.receivedAt)))
}

// TakeWarning reports whether the local clock has become wrong, or right again, since the last call.
func (c *Clock) TakeWarning() (skew time.Duration, wrong, changed bool) {
	skew = c.Skew()
	wrong = skew.Abs() > WarnSkew
	c.mu.Lock()
	defer c.mu.Unlock()
	changed = wrong != c.warned
	c.warned = wrong
	return skew, wrong, changed
}
