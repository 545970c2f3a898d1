package direct

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"time"
)

// conn is a connection to a server, which carries one exchange after another.
type conn struct {
	scheme, host string
	pool         *pool
	expiry       *time.Timer // counts while the connection is idle
	wire         *wire
	talk         net.Conn         // the wire, or TLS over it
	limit        io.LimitedReader // of talk
	head         int64            // bytes that the head of an answer may have, with those of hints before it
	r            *bufio.Reader    // of limit
	w            *bufio.Writer
	answered     bool // a byte of the answer has come
	spare        [1]byte
}

// close closes the wire at once: to say so first, as TLS does, would wait for a server that takes nothing any more.
func (c *conn) close() { _ = c.wire.Close() } // nothing of ours is lost by it

// silent reports whether nothing has come over an idle connection: neither its end, nor bytes that nobody asked for and that would be taken
// for the answer to the next request. What TLS has to say for itself, its tickets say, is heard and no such thing.
func (c *conn) silent() bool {
	c.wire.hasty = true
	_, err := c.talk.Read(c.spare[:])
	c.wire.hasty = false
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// exchange sends a request and reads the head of its answer. The connection is in use until the body ends or is closed.
func (c *conn) exchange(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	stop := context.AfterFunc(ctx, c.close)
	resp, err := c.ask(req)
	if err != nil {
		stop()
		c.close()
		return nil, endedOr(ctx, err)
	}
	b := &body{Reader: resp.Body, conn: c, ctx: ctx, stop: stop, again: !resp.Close && resp.StatusCode >= http.StatusOK}
	resp.Body = b
	if resp.ContentLength == 0 {
		b.end(true)
	}
	return resp, nil
}

// endedOr returns why a context ended, or else err.
func endedOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// errLongHead has the words of net/http, which has no type for it.
var errLongHead = errors.New("server response headers exceeded their bound")

// ask sends a request and reads the head of its answer, past those that only hint at what will come.
func (c *conn) ask(req *http.Request) (*http.Response, error) {
	c.limit.N, c.answered = c.head, false
	writeHead(c.w, req)
	err := c.w.Flush()
	if err == nil {
		_, err = c.r.Peek(1)
	}
	for c.answered = err == nil; err == nil; {
		var resp *http.Response
		resp, err = http.ReadResponse(c.r, req)
		if err == nil && (resp.StatusCode >= http.StatusOK || resp.StatusCode < 100 || resp.StatusCode == http.StatusSwitchingProtocols) {
			c.limit.N = math.MaxInt64
			return resp, nil
		}
	}
	if c.limit.N <= 0 { // whatever the error, it came of the cut
		err = errLongHead
	}
	return nil, err
}
