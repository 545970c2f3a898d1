package httpserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/internal/gqlhttp"
)

// Clients that look on send the same bytes over and over. To parse them, to route them, and to write the same headers again costs more than
// all that must be judged anew. So a connection compares what arrives with requests whose answers may be given again; where it is one of
// these, and its answer still holds, it sends that and reads on. net/http does not notice, and serves everything else.

// Again answers a request once more, as if it were served with this id: all that concerns the caller is judged anew and everything is counted.
// It returns the body alone, or false, without a trace, where the request must be served in full.
type Again = func(ctx context.Context, id string) (body []byte, ok bool)

// Repeatable offers that the answer of r, a POST, is given again to requests of the same bytes, as long as again agrees. It is called before the
// answer is written, and does nothing where that has another status than 200, or no known length. The headers stay as they are but for the date
// and the id; so each body must be as long as the first.
func Repeatable(r *http.Request, again Again) {
	c := connOf(r.Context())
	if c == nil || c.repeats == nil || r.Method != http.MethodPost || r.Header.Get("Expect") != "" {
		return // an answer to HEAD has no body, and of two answers to one request the first is not ours
	}
	offer := &repeat{again: again, named: c.turn.named, line: line{
		id: r.Header.Get(gqlhttp.RequestIDHeader), method: r.Method, path: r.URL.Path, status: http.StatusOK,
	}}
	c.mu.Lock()
	c.offer = offer
	c.mu.Unlock()
}

// repeats are the requests whose answers may be given again. It may be used by many goroutines.
type repeats struct {
	kept  *otter.Cache[askedKey, *repeat]
	base  context.Context
	log   *slog.Logger
	under atomic.Int64 // being answered now
	ended atomic.Bool
}

// The bounds of what is kept: some 3 kB each. Credentials, which are a part of it, are forgotten after a while.
const (
	mostRepeats = 1024
	repeatFor   = time.Minute
)

func newRepeats(base context.Context, log *slog.Logger) *repeats {
	return &repeats{base: base, log: log, kept: otter.Must(&otter.Options[askedKey, *repeat]{
		MaximumSize: mostRepeats, ExpiryCalculator: otter.ExpiryWriting[askedKey, *repeat](repeatFor),
	})}
}

// close is called last.
func (r *repeats) close() { r.kept.StopAllGoroutines() }

// enter counts an answer as under way, where any may still be.
func (r *repeats) enter() bool {
	r.under.Add(1)
	if r.ended.Load() {
		r.leave()
		return false
	}
	return true
}

func (r *repeats) leave() { r.under.Add(-1) }

// end leaves all requests to net/http from now on, and waits until no other is under way, for so long: to net/http those connections are idle,
// and it closes such at once when it ends. Who takes nothing of an answer must not keep the rest from ending.
func (r *repeats) end(within time.Duration) {
	r.ended.Store(true)
	for began := time.Now(); r.under.Load() > 0 && time.Since(began) < within; {
		time.Sleep(time.Millisecond)
	}
}

// again answers what arrived, where it is a whole request that was answered before.
func (c *conn) again(key askedKey) bool {
	if c.repeats == nil || !c.turn.post {
		return false // the first of a connection has less time to arrive, and what follows a POST may begin with an empty line
	}
	r := c.repeats
	t, ok := r.kept.GetIfPresent(key)
	if !ok || !r.enter() {
		return false
	}
	defer r.leave()
	began, line, n := time.Now(), t.line, new(notes)
	if !t.named {
		line.id = rand.Text()
	}
	body, ok := t.again(withNotes(r.base, n), line.id)
	if !ok {
		return false
	}
	c.send(t, line.id, began, body)
	line.bytes = int64(len(body))
	line.write(r.base, r.log, began, n)
	_ = c.SetWriteDeadline(time.Time{}) // both as net/http does between requests
	_ = c.SetReadDeadline(time.Now().Add(IdleTimeout))
	return true
}

// send sends an answer in one piece. A client that does not take it is given up: what came next would pass for the rest.
func (c *conn) send(t *repeat, id string, at time.Time, body []byte) {
	_ = c.SetWriteDeadline(at.Add(writeTimeout))
	b := c.buffers.Get().(*[]byte)
	defer c.buffers.Put(b)
	if err := c.whole(t.headOf((*b)[:0], id, at), body); err != nil {
		_ = c.Conn.Close()
	}
}

// whole writes an answer. The head's memory may be written to.
func (c *conn) whole(head, body []byte) error {
	if len(head)+len(body) <= mostHeld {
		_, err := c.Conn.Write(append(head, body...))
		return err
	}
	_, err := (&net.Buffers{head, body}).WriteTo(c.Conn)
	return err
}

// repeat is a request that was answered, and how to answer it again. It is not changed once it is kept.
type repeat struct {
	again Again
	line  line   // of the first time, without the bytes
	named bool   // the caller gave it its id; otherwise each time has one of our making, all as long
	head  []byte // of the answer
	date  int    // where in it the date is
	idAt  int    // where in it the id is
}

var (
	endOfHead    = []byte("\r\n\r\n")
	okLine       = []byte("HTTP/1.1 200 OK\r\n")
	lengthHeader = []byte("\r\nContent-Length: ")
	dateHeader   = []byte("\r\nDate: ")
	idHeader     = "\r\n" + gqlhttp.RequestIDHeader + ": "
)

// takeHead takes the head from the first piece of an answer, and reports whether all of it is there, of the form that net/http gives it, with
// the length of the body, and with the id of the request: another would be longer or shorter than what is written over it.
func (t *repeat) takeHead(piece []byte) bool {
	head, _, whole := bytes.Cut(piece, endOfHead)
	date, id := bytes.Index(head, dateHeader), bytes.Index(head, []byte(idHeader+t.line.id+"\r\n"))
	if !whole || !bytes.HasPrefix(head, okLine) || !bytes.Contains(head, lengthHeader) || date < 0 || id < 0 {
		return false
	}
	t.head = bytes.Clone(piece[:len(head)+len(endOfHead)])
	t.date, t.idAt = date+len(dateHeader), id+len(idHeader)
	return true
}

// headOf appends the head of an answer that is given at a time.
func (t *repeat) headOf(b []byte, id string, at time.Time) []byte {
	b = append(b, t.head...)
	copy(b[t.idAt:], id)
	at.UTC().AppendFormat(b[t.date:t.date], http.TimeFormat)
	return b
}
