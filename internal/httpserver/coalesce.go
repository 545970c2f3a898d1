package httpserver

import (
	"context"
	"net"
)

// http.Server writes a response of more than 4 KiB in two pieces: the headers with the start of the body, as much as its buffer holds, and
// the rest. Each piece costs both sides a system call and the client a wake-up. If a response has a known length, its connection therefore
// buffers the first piece and sends it together with the second, or when the handler has returned.

// coalescingListener accepts connections that can buffer the first piece of a response.
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

// conn is a connection that can buffer the first piece of a response. Only the goroutine that serves the request may call methods other
// than Close.
type conn struct {
	net.Conn
	hold  bool   // whether to buffer the next piece
	first []byte // the buffered piece
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

// Write sends the buffered piece and p in one system call, or buffers p. Buffered bytes count as written.
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

// flush sends the buffered piece. If that fails it closes the connection, because a later response would be taken for the rest of this one.
func (c *conn) flush() {
	c.hold = false
	if len(c.first) == 0 {
		return
	}
	if _, err := c.Conn.Write(c.first); err != nil {
		_ = c.Close()
	}
	c.first = c.first[:0]
}

// CloseWrite closes the writing side of the connection. http.Server calls it when it rejects a request body.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
