package httpserver

import (
	"context"
	"net"
)

// http.Server writes a response of more than 4 KiB in two pieces: what fits its buffer with the headers, and the rest. Each piece costs both
// sides a system call and the client a wake-up. If a response has a known length, its connection therefore holds the first piece back and
// sends it together with the second, or when the handler has returned.

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

// conn is a connection that can hold back the first piece of a response. All methods but Close are for the goroutine that serves the request.
type conn struct {
	net.Conn
	hold  bool   // whether to hold back the next piece
	first []byte // held back
}

type connKey struct{}

// withConn is for http.Server.ConnContext: it lets handlers find their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request; nil if it is not one of coalescingListener.
func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// Write sends p after what is held back, in one system call, or holds it back. What is held back counts as written.
func (c *conn) Write(p []byte) (int, error) {
	if c.hold && len(p) <= maxFirstPiece {
		c.hold, c.first = false, append(c.first, p...)
		return len(p), nil
	}
	c.hold = false
	held := len(c.first)
	if held == 0 {
		return c.Conn.Write(p)
	}
	n, err := (&net.Buffers{c.first, p}).WriteTo(c.Conn)
	c.first = c.first[:0]
	return max(0, int(n)-held), err
}

// flush sends what is held back. It closes the connection if that fails: a later response would be taken for the rest of this one.
func (c *conn) flush() {
	c.hold = false
	if len(c.first) == 0 {
		return
	}
	if _, err := c.Conn.Write(c.first); err != nil {
		_ = c.Conn.Close()
	}
	c.first = c.first[:0]
}

// CloseWrite is what http.Server calls when it rejects a request body.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
