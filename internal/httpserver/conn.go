package httpserver

import (
	"context"
	"crypto/sha256"
	"net"
	"net/http"
	"sync"
	"time"
)

// The server of net/http writes an answer of more than 4 kB in two pieces: what fits its buffer with the headers, and the rest. Each
// piece costs both sides a system call, and the client a wake-up. So connections can hold back what is written until the answer is
// whole, and send it in one piece.

// conns has a listener's connections able to hold back, and to answer what comes again.
type conns struct {
	net.Listener
	buffers *sync.Pool // of *[]byte of mostHeld bytes
	repeats *repeats   // nil: no answer is given again
}

func newConns(l net.Listener, r *repeats) conns {
	return conns{l, &sync.Pool{New: func() any {
		b := make([]byte, 0, mostHeld)
		return &b
	}}, r}
}

func (l conns) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, buffers: l.buffers, repeats: l.repeats, turn: turn{between: true}}, nil
}

// mostHeld is how much is held back at most, in bytes.
const mostHeld = 16 << 10

// conn is a connection that may hold back what is written to it, and that answers requests itself whose answers may be given again.
type conn struct {
	net.Conn
	buffers *sync.Pool
	repeats *repeats // nil: no answer is given again
	turn    turn     // see there who may change it

	mu      sync.Mutex
	holding bool
	held    *[]byte // nil: nothing
	offer   *repeat // of the request under way; nil: there is none, or it is taken
}

type connKey struct{}

// withConn is for http.Server.ConnContext: it lets handlers find their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request. Elsewhere it is nil, and its methods hold, holds and sendHeld do nothing.
func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// hold has a connection hold back what is written until the answer is whole. Without a connection it does nothing.
func (c *conn) hold() {
	if c != nil {
		c.mu.Lock()
		c.holding = true
		c.mu.Unlock()
	}
}

// holds reports whether what is written is held back, or bounded by the connection.
func (c *conn) holds() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holding
}

// sendHeld sends what is held and holds no more, for an answer that has more to come.
func (c *conn) sendHeld() {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.release()
	}
}

// answered is for http.Server.ConnState: an answer is whole when its connection turns idle, or is closed.
func answered(nc net.Conn, now http.ConnState) {
	c, ok := nc.(*conn)
	if !ok || now != http.StateIdle {
		return
	}
	c.mu.Lock()
	c.release()
	offer := c.offer
	c.offer = nil
	c.mu.Unlock()
	key := c.turn.key
	if alone := c.turn.over(); alone && offer != nil && offer.head != nil {
		c.repeats.kept.Set(key, offer)
	}
}

// Read reads what arrives. Requests that come again are answered here, and not seen by who reads.
func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if !c.turn.between && c.turn.ahead == 0 {
			c.turn.more(n)
			return n, err
		}
		var key askedKey
		if c.repeats != nil {
			key = sha256.Sum256(p[:n])
		}
		if err != nil || c.turn.ahead > 0 || !c.again(key) {
			c.turn.begin(key, p[:n])
			return n, err
		}
	}
}

// Write sends, or holds back. Of an answer that is too long to be held, what is held goes out with the next piece.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.offer != nil && c.offer.head == nil && !c.offer.takeHead(p) {
		c.offer = nil // what follows is no head
	}
	switch {
	case !c.holding:
		return c.Conn.Write(p)
	case c.held == nil:
		c.held = c.buffers.Get().(*[]byte)
	}
	if len(*c.held)+len(p) <= mostHeld {
		*c.held = append(*c.held, p...)
		return len(p), nil
	}
	first := len(*c.held)
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout)) // who writes has left that to us, see holds
	n, err := (&net.Buffers{*c.held, p}).WriteTo(c.Conn)
	c.giveBack()
	return max(0, int(n)-first), err
}

// release sends what is held, in the time that any write has. A client that does not take it is given up. No deadline stays behind: what
// net/http says by itself, as of a request that is none, has none of its own.
func (c *conn) release() {
	if c.held == nil {
		c.holding = false
		return
	}
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := c.Conn.Write(*c.held); err != nil {
		_ = c.Conn.Close()
	}
	_ = c.SetWriteDeadline(time.Time{})
	c.giveBack()
}

func (c *conn) giveBack() {
	*c.held = (*c.held)[:0]
	c.buffers.Put(c.held)
	c.held, c.holding = nil, false
}

// Close sends what is held and closes the connection. It does not wait for a write under way: that ends with the connection.
func (c *conn) Close() error {
	if c.mu.TryLock() {
		c.release()
		c.mu.Unlock()
	}
	return c.Conn.Close()
}

// CloseWrite is what http.Server looks for where it refuses a body.
func (c *conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
