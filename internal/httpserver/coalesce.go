package httpserver

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// http.Server writes a response of more than 4 KiB in two pieces: what fits its buffer with the headers, and the rest. Each piece costs both
// sides a system call and the client a wake-up. If a response has a known length, its connection therefore holds the first piece back and
// sends it together with the second.

// coalescingListener accepts connections that can hold back the first piece of a response.
type coalescingListener struct{ net.Listener }

func (l coalescingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// maxFirstPiece is the size of the write buffer of net/http, in bytes.
const maxFirstPiece = 4 << 10

// conn is a connection that can hold back the first piece of a response. It is safe for concurrent use.
type conn struct {
	net.Conn

	mu        sync.Mutex
	buffering bool
	first     []byte // held back; empty: nothing
}

type connKey struct{}

// withConn is for http.Server.ConnContext: it lets handlers find their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request; nil if it is not one of coalescingListener. A nil *conn can be used and does nothing.
func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// startBuffering holds back the next piece that is written.
func (c *conn) startBuffering() {
	if c != nil {
		c.mu.Lock()
		c.buffering = true
		c.mu.Unlock()
	}
}

// flush sends what is held back and ends buffering.
func (c *conn) flush() {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = c.write(nil) // the next write or read reports a broken connection
	}
}

// flushWhenIdle is for http.Server.ConnState: a response is complete when its connection becomes idle. The write deadline of the response
// must not apply to what http.Server writes by itself later, such as an error for a malformed request.
func flushWhenIdle(nc net.Conn, state http.ConnState) {
	if c, ok := nc.(*conn); ok && state == http.StateIdle {
		c.flush()
		_ = c.SetWriteDeadline(time.Time{})
	}
}

// Write sends p, or holds it back if it is the first piece of a response. What is held back counts as written.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buffering && len(c.first) == 0 && len(p) <= maxFirstPiece {
		c.first = append(c.first, p...)
		return len(p), nil
	}
	return c.write(p)
}

// write sends what is held back, then p, in one system call. The caller holds mu.
func (c *conn) write(p []byte) (int, error) {
	held := len(c.first)
	c.buffering = false
	switch {
	case held == 0 && len(p) == 0:
		return 0, nil
	case held == 0:
		return c.Conn.Write(p)
	}
	pieces := net.Buffers{c.first}
	if len(p) > 0 {
		pieces = append(pieces, p)
	}
	n, err := pieces.WriteTo(c.Conn)
	c.first = c.first[:0]
	if err != nil {
		_ = c.Conn.Close() // what came next would pass for the rest of this response
	}
	return max(0, int(n)-held), err
}

// Close sends what is held back and closes the connection. It does not wait for a write in progress: that ends with the connection.
func (c *conn) Close() error {
	if c.mu.TryLock() {
		_, _ = c.write(nil)
		c.mu.Unlock()
	}
	return c.Conn.Close()
}

// CloseWrite is what http.Server calls when it rejects a request body.
func (c *conn) CloseWrite() error {
	c.flush()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
