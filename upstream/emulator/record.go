package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// remembered is how many requests Requests knows at most; Count knows of all.
const remembered = 10_000

// Request is one call as it arrived, and what became of it.
type Request struct {
	ID             string // X-Request-Id of its answer
	Method, Path   string
	Call           Call   // from the path; empty if it names no call
	Project, Group string // from the path; empty if it names none
	Policy         string // likewise
	RawQuery       string
	Query          url.Values
	Header         http.Header
	Offset, Limit  int       // as understood, defaults filled in; -1 where they were not read
	At             time.Time // of arrival
	Status         int       // of the answer; 0 while there is none, and where none was given
	Code           string    // of the answer; empty for a page
	Seq            uint64    // the change right after which the page was true; 0 where there is no page
	Total          int       // total_number of the page
}

// Answer is a response that was just computed.
type Answer struct {
	Request
	IDs []string // of its entries, in order; an instance without an id has its name
}

// recorder remembers the latest requests.
type recorder struct {
	mu       sync.Mutex
	keep     int // how many to remember
	count    int
	flying   int
	peak     int
	requests []*Request
	calls    map[Call]int
}

func (c *recorder) arrived(r *Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	if c.calls == nil {
		c.calls = map[Call]int{}
	}
	c.calls[r.Call]++
	c.flying++
	c.peak = max(c.peak, c.flying)
	if len(c.requests) >= c.keep {
		c.requests = slices.Delete(c.requests, 0, (len(c.requests)+1)/2)
	}
	if c.keep > 0 {
		c.requests = append(c.requests, r)
	}
}

// update changes a request that others may be reading.
func (c *recorder) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *recorder) left() { c.update(func() { c.flying-- }) }

// Requests returns the requests since the last Reset in the order of their arrival, at least the latest 5000.
func (e *Emulator) Requests() []Request {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	out := make([]Request, len(e.record.requests))
	for i, r := range e.record.requests {
		out[i] = *r
	}
	return out
}

// Count returns how many requests arrived since the last Reset, of whatever path and outcome.
func (e *Emulator) Count() int {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.count
}

// Calls returns how many requests for one call arrived since the last Reset, of whatever outcome.
func (e *Emulator) Calls(c Call) int {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.calls[c]
}

// RememberRequests sets how many requests Requests returns at most; the default is 10 000.
func (e *Emulator) RememberRequests(n int) {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	e.record.keep = n
}

// Peak returns how many requests were under way at once, at most, since the last Reset.
func (e *Emulator) Peak() int {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.peak
}

// Reset forgets the requests. Logs, tokens, faults and hooks stay.
func (e *Emulator) Reset() {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	e.record.count, e.record.peak, e.record.requests, e.record.calls = 0, e.record.flying, nil, nil
}

// OnRequest sets what is called for every request before anything is decided, with no lock held, so that it can change the logs between two
// calls. Nil takes it away.
func (e *Emulator) OnRequest(f func(Request)) { e.onRequest.Store(&f) }

// OnAnswered sets what is called for every page under the lock that the page was computed under: no log changes meanwhile. It may run several
// times at once and must not call the emulator. Nil takes it away.
func (e *Emulator) OnAnswered(f func(Answer)) { e.onAnswered.Store(&f) }

// Fault sets what decides about faults: it is asked for every request, and nil from it means that none befalls the request. Nil takes it away.
func (e *Emulator) Fault(f func(*http.Request) *Fault) { e.fault.Store(&f) }
