package emulator

import (
	"net"
	"net/http"
	"path"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what befalls one request. The zero Fault does nothing.
type Fault struct {
	Delay time.Duration // before the answer is computed
	Late  time.Duration // after it was computed, before it is sent

	Status     int           // a refusal takes the answer's place; 0: none does
	Code       string        // of the refusal, e.g. AS.0001 or APIG.0308
	Message    string        // of the refusal; empty: one is made
	Shape      Shape         // of the refusal's body
	RetryAfter time.Duration // sent with the refusal; 0: see Switches.RetryAfter

	Break Break // what happens to the answer, be it a page or the refusal
}

// Break is a way in which an answer does not arrive as it should.
type Break uint8

// The ways to break an answer. Delays end when the client hangs up.
const (
	Whole           Break = iota
	NotJSON               // 200 and text that is no JSON
	WrongShape            // 200 and JSON of another shape: scaling_activity_log is a number
	TrailingGarbage       // the answer, and more text behind it
	EmptyBody             // the status of the answer and no body
	CutOff                // half of the body, then the connection is closed
	ResetConnection       // the connection is reset before a byte is sent
	CloseConnection       // the connection is closed before a byte is sent
	Hang                  // nothing, until the client hangs up
	CorruptEncoding       // says gzip and is not
)

// Times returns a decision for Emulator.Fault that befalls the first n requests and lets the rest pass.
func Times(n int, f Fault) func(*http.Request) *Fault {
	var asked atomic.Int64
	return func(*http.Request) *Fault {
		if asked.Add(1) > int64(n) {
			return nil
		}
		return &f
	}
}

// Always returns a decision for Emulator.Fault that befalls every request.
func Always(f Fault) func(*http.Request) *Fault {
	return func(*http.Request) *Fault { return &f }
}

// ForGroup returns a decision for Emulator.Fault that befalls the requests for one group, in whatever project.
func ForGroup(group string, f Fault) func(*http.Request) *Fault {
	return func(r *http.Request) *Fault {
		if path.Base(r.URL.Path) != group {
			return nil
		}
		return &f
	}
}

// RateLimit returns a decision for Emulator.Fault that lets n requests pass in every stretch of time and throttles the rest. The first
// request begins the first stretch.
func RateLimit(n int, per, retryAfter time.Duration) func(*http.Request) *Fault {
	var mu sync.Mutex
	var ends time.Time
	passed := 0
	return func(*http.Request) *Fault {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); !now.Before(ends) {
			ends, passed = now.Add(per), 0
		}
		if passed++; passed <= n {
			return nil
		}
		f := Throttled(retryAfter)
		return &f
	}
}

// Throttled is the gateway's refusal of a caller that asks too often; retryAfter 0 leaves the header to the switch.
func Throttled(retryAfter time.Duration) Fault {
	return Fault{
		Status: http.StatusTooManyRequests, Code: "APIG.0308", RetryAfter: retryAfter,
		Message: "The throttling threshold has been reached: policy user over ratelimit,limit:60,time:1 minute",
	}
}

func (e *Emulator) faultFor(r *http.Request) Fault {
	decide := e.fault.Load()
	if decide == nil || *decide == nil {
		return Fault{}
	}
	f := (*decide)(r)
	if f == nil {
		return Fault{}
	}
	return *f
}

// refusal is what takes the answer's place; nil where nothing does.
func (f Fault) refusal() *refusal {
	if f.Status == 0 {
		return nil
	}
	message := f.Message
	if message == "" {
		message = "refused: " + http.StatusText(f.Status)
	}
	return &refusal{f.Status, f.Code, message, f.Shape}
}

// wait waits and reports false where the client hung up meanwhile.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return r.Context().Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// swallow handles the breaks under which no byte is sent and reports whether f is one of them.
func (f Fault) swallow(w http.ResponseWriter, r *http.Request) bool {
	switch f.Break {
	case Hang:
		<-r.Context().Done()
	case ResetConnection:
		hangUp(w, 0)
	case CloseConnection:
		hangUp(w, -1)
	default:
		return false
	}
	return true
}

// hangUp closes the connection; linger 0 makes that a reset.
func hangUp(w http.ResponseWriter, linger int) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // no connection of its own to close: HTTP/2, or no socket at all
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && linger >= 0 {
		_ = tcp.SetLinger(linger)
	}
	_ = conn.Close()
}

// spoil changes the body as f says.
func (f Fault) spoil(a *reply) {
	switch f.Break {
	case NotJSON:
		a.status, a.body = http.StatusOK, []byte("scaling_activity_log: none of this is JSON")
	case WrongShape:
		a.status, a.body = http.StatusOK, []byte(`{"limit":20,"scaling_activity_log":7,"total_number":"many","start_number":[]}`)
	case TrailingGarbage:
		a.body = append(a.body, "}]garbage"...)
	case EmptyBody:
		a.body = nil
	}
}

// retryAfter is the header's value; empty where it is not sent.
func (e *Emulator) retryAfter(status int, f Fault) string {
	d := f.RetryAfter
	if d == 0 && status == http.StatusTooManyRequests && e.sw.RetryAfter != RetryAfterAbsent {
		d = time.Second
	}
	switch {
	case d <= 0:
		return ""
	case e.sw.RetryAfter == RetryAfterDate:
		return time.Now().Add(d + time.Second - 1).UTC().Format(http.TimeFormat)
	default:
		return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
	}
}
