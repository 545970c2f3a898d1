package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// The server of net/http writes an answer of more than 4 kB in two pieces: what fits its buffer with the headers, and the rest. Each
// piece costs both sides a system call, and the client a wake-up. So connections can hold back what is written until the answer is
// whole, and send it in one piece.

// joining has a listener's connections able to hold back.
type joining struct {
	net.Listener
	buffers *sync.Pool // of *[]byte of mostHeld bytes
}

func newJoining(l net.Listener) joining {
	return joining{l, &sync.Pool{New: func() any {
		b := make([]byte, 0, mostHeld)
		return &b
	}}}
}

func (l joining) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &joinedConn{Conn: c, buffers: l.buffers}, nil
}

// mostHeld is how much is held back at most, in bytes.
const mostHeld = 16 << 10

// joinedConn may hold back what is written to it.
type joinedConn struct {
	net.Conn
	buffers *sync.Pool
	mu      sync.Mutex
	holding bool
	held    *[]byte // nil: nothing
}

type joinedConnKey struct{}

// withConn is for http.Server.ConnContext: it lets handlers find their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, joinedConnKey{}, c)
}

// hold has a request's connection hold back what is written until its answer is whole. Elsewhere it does nothing.
func hold(ctx context.Context) {
	if c, ok := ctx.Value(joinedConnKey{}).(*joinedConn); ok {
		c.mu.Lock()
		c.holding = true
		c.mu.Unlock()
	}
}

// sendHeld sends what is held and holds no more, for an answer that has more to come.
func sendHeld(ctx context.Context) {
	if c, ok := ctx.Value(joinedConnKey{}).(*joinedConn); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.release()
	}
}

// answered is for http.Server.ConnState: an answer is whole when its connection turns idle, or is closed.
func answered(conn net.Conn, now http.ConnState) {
	if c, ok := conn.(*joinedConn); ok && now == http.StateIdle {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.release()
	}
}

// Write sends, or holds back. Of an answer that is too long to be held, what is held goes out with the next piece.
func (c *joinedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
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
	n, err := (&net.Buffers{*c.held, p}).WriteTo(c.Conn)
	c.giveBack()
	return max(0, int(n)-first), err
}

// release sends what is held, in the time that any write has. A client that does not take it is given up.
func (c *joinedConn) release() {
	if c.held == nil {
		c.holding = false
		return
	}
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := c.Conn.Write(*c.held); err != nil {
		_ = c.Conn.Close()
	}
	c.giveBack()
}

func (c *joinedConn) giveBack() {
	*c.held = (*c.held)[:0]
	c.buffers.Put(c.held)
	c.held, c.holding = nil, false
}

// Close sends what is held and closes the connection. It does not wait for a write under way: that ends with the connection.
func (c *joinedConn) Close() error {
	if c.mu.TryLock() {
		c.release()
		c.mu.Unlock()
	}
	return c.Conn.Close()
}

// CloseWrite is what http.Server looks for where it refuses a body.
func (c *joinedConn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
