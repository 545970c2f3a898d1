package direct

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
)

// body is the body of an answer. When it was read to its end its connection is free for the next exchange.
type body struct {
	io.Reader
	conn  *conn
	ctx   context.Context // of the request
	stop  func() bool     // has the end of ctx not close the connection any more
	again bool            // the connection may be used again
	over  atomic.Bool
}

// Read reads on. Where the context of the request has ended its cause is the error.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.end(true)
	case err != nil:
		b.end(false)
		err = endedOr(b.ctx, err)
	}
	return n, err
}

// Close closes the connection where the body was not read to its end: what is left of it might be long.
func (b *body) Close() error {
	b.end(false)
	return nil
}

// end gives the connection back. Where more came than the answer, what comes next cannot be told from it.
func (b *body) end(whole bool) {
	switch {
	case b.over.Swap(true):
	case b.stop() && whole && b.again && b.conn.r.Buffered() == 0:
		b.conn.pool.put(b.conn)
	default:
		b.conn.close()
	}
}
