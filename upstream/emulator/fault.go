package emulator

import (
	"encoding/json"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is an error that is injected into one request. The zero Fault does nothing.
type Fault struct {
	Delay time.Duration // before the response is computed
	Late  time.Duration // after the response is computed, before it is sent

	Status     int           // of an error that replaces the response; 0: none
	Code       string        // of the error, e.g. AS.0001 or APIG.0308
	Message    string        // of the error; empty: the text of the status
	Shape      Shape         // of the error's body
	RetryAfter time.Duration // sent with the error; 0: see Switches.RetryAfter

	Break Break // how the response, or the error, is corrupted
}

// Break is a way to corrupt a response.
type Break uint8

// The ways to corrupt a response. Delays end when the client closes the connection.
const (
	Whole           Break = iota
	NotJSON               // 200 and a body that is not JSON
	WrongShape            // 200 and JSON of another shape: scaling_activity_log is a number
	TrailingGarbage       // the response followed by more text
	EmptyBody             // the status of the response without a body
	CutOff                // half of the body, then the connection is closed
	ResetConnection       // the connection is reset before a byte is sent
	CloseConnection       // the connection is closed before a byte is sent
	Hang                  // nothing, until the client closes the connection
	CorruptEncoding       // Content-Encoding is gzip, but the body is not compressed
)

// Times returns a function for Emulator.Fault that injects f into the first n requests.
func Times(n int, f Fault) func(*http.Request) *Fault {
	var requests atomic.Int64
	return func(*http.Request) *Fault {
		if requests.Add(1) > int64(n) {
			return nil
		}
		return &f
	}
}

// Always returns a function for Emulator.Fault that injects f into every request.
func Always(f Fault) func(*http.Request) *Fault {
	return func(*http.Request) *Fault { return &f }
}

// ForGroup returns a function for Emulator.Fault that injects f into the requests for one group, in any project.
func ForGroup(group string, f Fault) func(*http.Request) *Fault {
	return func(r *http.Request) *Fault {
		if path.Base(r.URL.Path) != group {
			return nil
		}
		return &f
	}
}

// RateLimit returns a function for Emulator.Fault that throttles all but the first n requests in each period. The first request starts the
// first period.
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

// Throttled returns the gateway's 429 for a caller with too many requests. If retryAfter is 0, Switches.RetryAfter determines the header.
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

// refusal returns the error that replaces the response; nil if there is none.
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

// wait waits for d and returns false if the client has closed the connection.
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

// dropConnection handles the faults that send no byte and reports whether f is one of them.
func (f Fault) dropConnection(w http.ResponseWriter, r *http.Request) bool {
	switch f.Break {
	case Hang:
		<-r.Context().Done()
	case ResetConnection:
		closeConnection(w, 0)
	case CloseConnection:
		closeConnection(w, -1)
	default:
		return false
	}
	return true
}

// closeConnection closes the connection. If linger is 0 it is reset.
func closeConnection(w http.ResponseWriter, linger int) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2, or no socket
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && linger >= 0 {
		_ = tcp.SetLinger(linger)
	}
	_ = conn.Close()
}

// corrupt changes the response if f.Break requires it.
func (f Fault) corrupt(a *reply) {
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

// retryAfter returns the value of the header; empty if it is not sent.
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

// Shape is the form of an error body.
type Shape uint8

// The known forms.
const (
	ShapeByCode  Shape = iota // ShapeAS for AS.*, else ShapeGateway
	ShapeAS                   // {"error":{"code":"AS.2007","message":…}}
	ShapeGateway              // {"error_msg":…,"error_code":"APIG.0301","request_id":…}
	ShapeFlat                 // {"error_code":"AS.2007","error_msg":…}
	ShapeIAM                  // {"error":{"code":401,"message":…,"title":…}}
	ShapeHTML                 // an error page of a proxy
	ShapeEmpty                // no body
)

// refusal is an error response.
type refusal struct {
	status  int
	code    string
	message string
	shape   Shape
}

// body returns the body and its media type.
func (no refusal) body(requestID string) ([]byte, string) {
	const jsonType = "application/json"
	switch no.form() {
	case ShapeEmpty:
		return nil, "text/plain"
	case ShapeHTML:
		return no.html(), "text/html"
	case ShapeGateway:
		return marshal(gatewayBody{no.message, no.code, requestID}), jsonType
	case ShapeFlat:
		return marshal(flatBody{no.code, no.message}), jsonType
	case ShapeIAM:
		return nested(iamError{no.status, no.message, http.StatusText(no.status)}), jsonType
	default:
		return nested(asError{no.code, no.message}), jsonType
	}
}

func (no refusal) form() Shape {
	switch {
	case no.shape != ShapeByCode:
		return no.shape
	case strings.HasPrefix(no.code, "AS."):
		return ShapeAS
	default:
		return ShapeGateway
	}
}

func (no refusal) html() []byte {
	title := strconv.Itoa(no.status) + " " + http.StatusText(no.status)
	return []byte("<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
		"</h1></center>\r\n<hr><center>proxy</center>\r\n</body>\r\n</html>\r\n")
}

type gatewayBody struct {
	Message   string `json:"error_msg"`
	Code      string `json:"error_code"`
	RequestID string `json:"request_id"`
}

type flatBody struct {
	Code    string `json:"error_code"`
	Message string `json:"error_msg"`
}

type asError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type iamError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Title   string `json:"title"`
}

func nested(inner any) []byte {
	return marshal(map[string]json.RawMessage{"error": marshal(inner)})
}

// refuse returns an error with a documented status and code. The messages are our own.
func refuse(status int, code, message string) *refusal {
	return &refusal{status: status, code: code, message: message}
}

func bad(code, message string) *refusal { return refuse(http.StatusBadRequest, code, message) }
