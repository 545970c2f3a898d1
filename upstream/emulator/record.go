package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// maxRecorded is the default number of requests that Requests returns at most. Count counts all.
const maxRecorded = 10_000

// Request is one request and its outcome.
type Request struct {
	ID             string // X-Request-Id of the response
	Method, Path   string
	Call           Call   // from the path; empty if it is unknown
	Project, Group string // from the path; empty if it names none
	Policy         string // likewise
	RawQuery       string
	Query          url.Values
	Header         http.Header
	Offset, Limit  int       // with defaults filled in; -1 if they were not read
	At             time.Time // when it arrived
	Status         int       // of the response; 0 if there is none
	Code           string    // of the error; empty for a success
	Seq            uint64    // number of the change from which the response was computed; 0 after an error
	Total          int       // total_number of the response
}

// Response is a successful response that was just computed.
type Response struct {
	Request
	IDs []string // of its entries, in order; an instance without an id has its name
}

// recorder records the latest requests.
type recorder struct {
	mu       sync.Mutex
	keep     int // the number of requests to record
	count    int
	inFlight int
	peak     int
	requests []*Request
	calls    map[Call]int
}

func (c *recorder) started(r *Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	if c.calls == nil {
		c.calls = map[Call]int{}
	}
	c.calls[r.Call]++
	c.inFlight++
	c.peak = max(c.peak, c.inFlight)
	if len(c.requests) >= c.keep {
		c.requests = slices.Delete(c.requests, 0, (len(c.requests)+1)/2)
	}
	if c.keep > 0 {
		c.requests = append(c.requests, r)
	}
}

// update changes a recorded request.
func (c *recorder) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *recorder) finished() { c.update(func() { c.inFlight-- }) }

// Requests returns the requests since the last Reset in the order of arrival, at least the latest 5000.
func (e *Emulator) Requests() []Request {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	out := make([]Request, len(e.record.requests))
	for i, r := range e.record.requests {
		out[i] = *r
	}
	return out
}

// Count returns the number of all requests since the last Reset.
func (e *Emulator) Count() int {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.count
}

// Calls returns the number of requests for one call since the last Reset, failed ones included.
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

// Peak returns the maximum number of requests in flight since the last Reset.
func (e *Emulator) Peak() int {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.peak
}

// Reset clears the recorded requests and the counts. It does not change logs, tokens, faults and hooks.
func (e *Emulator) Reset() {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	e.record.count, e.record.peak, e.record.requests, e.record.calls = 0, e.record.inFlight, nil, nil
}

// OnRequest sets a hook that is called for every request before it is processed. No lock is held, so the hook may change the logs. nil removes
// it.
func (e *Emulator) OnRequest(f func(Request)) { e.onRequest.Store(&f) }

// OnResponse sets a hook that is called for every successful response while the lock is held: no log changes in between. It may be called
// concurrently and must not call the emulator. nil removes it.
func (e *Emulator) OnResponse(f func(Response)) { e.onResponse.Store(&f) }

// Fault sets a function that is called for every request and returns the fault to inject; nil for none. A nil function removes it.
func (e *Emulator) Fault(f func(*http.Request) *Fault) { e.fault.Store(&f) }
