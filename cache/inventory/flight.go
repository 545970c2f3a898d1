package inventory

import (
	"context"
	"errors"

	"scalegraph/internal/request"
)

// outcome is the result of a read.
type outcome struct {
	value     *value
	err       error
	coalesced bool // another request had started it
}

// fetch starts a read of k unless one is in flight, and returns its outcome. The read has the caller's values and a deadline of its own: it
// goes on if the caller leaves, and ends with the cache.
func (c *Cache) fetch(ctx context.Context, k key, read func(context.Context) (*value, error)) <-chan outcome {
	name := k.text()
	if bypasses(ctx) {
		name += "!" // must not be served by a read that may use a value of another replica
	}
	started := false
	flight := c.flights.DoChan(name, func() (any, error) {
		started = true
		return c.detached(ctx, read)
	})
	out := make(chan outcome, 1)
	c.running.Go(func() {
		r := <-flight
		v, _ := r.Val.(*value)
		out <- outcome{v, r.Err, !started}
	})
	return out
}

func (c *Cache) detached(ctx context.Context, read func(context.Context) (*value, error)) (*value, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.Timeout)
	defer cancel()
	defer context.AfterFunc(c.closing, cancel)()
	return read(ctx)
}

// own reports whether a failure concerns only the request that started the read, so that others must read for themselves.
func (o outcome) own() bool { return o.coalesced && errors.Is(o.err, request.ErrTooManyCalls) }
