package upstream

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"scalegraph/internal/request"
)

// Limits of a body in bytes after decompression.
const (
	maxBody      = 32 << 20
	maxErrorBody = 64 << 10

	smallBody      = 1 << 20 // a larger body needs a permit
	maxLargeBodies = 2       // number of permits
)

// response is the response of one attempt with any status.
type response struct {
	status int
	header http.Header
	body   string
	sentAt time.Time // before the request was sent
	done   func()    // releases the permit of a large body; nil: none is held
}

// release must be called after the last use of the body.
func (a *response) release() {
	if a.done != nil {
		a.done()
	}
}

// call is one call of the upstream.
type call struct {
	region  *region
	url     *url.URL
	project string
	group   string // empty if the call concerns the whole project
	caller  *request.Caller
}

func (k *call) groupKey() groupKey { return groupKey{k.region.name, k.project, k.group} }

// token returns the caller's token for the project; empty if there is none.
func (k *call) token() string { return k.caller.TokenFor(k.project) }

// send makes a call with the retries that the region's policy allows. One timeout covers all attempts, so a call that times out is not
// retried.
func (c *Client) send(ctx context.Context, k *call) (*response, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, ErrTimeout)
	defer cancel()
	a, err := k.region.executor.WithContext(ctx).Get(func() (*response, error) { return c.attempt(ctx, k) })
	if err == nil {
		return a, nil
	}
	if errors.Is(err, circuitbreaker.ErrOpen) {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := ctxErr(ctx); err != nil {
		return nil, err
	}
	return nil, err
}

// ctxErr returns nil if ctx is not done, ErrTimeout if the timeout of send expired, else ctx.Err().
func ctxErr(ctx context.Context) error {
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrTimeout) {
		return ErrTimeout
	}
	return ctx.Err()
}

// attempt sends the request and reads the whole response, so that one timeout covers both. It does not follow redirects: the token must not be
// sent to another host.
func (c *Client) attempt(ctx context.Context, k *call) (*response, error) {
	a := &response{sentAt: time.Now()}
	resp, err := c.auth.roundTrip(c.request(ctx, k), k)
	if err != nil {
		return nil, transportError(ctx, err)
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	err = c.readBody(ctx, a, resp)
	k.caller.Tally.Bytes.Add(int64(len(a.body)))
	if err == nil {
		return a, nil
	}
	a.release()
	if err := ctxErr(ctx); err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return a, nil // the status is sufficient
	}
	return nil, a.unreadable(err)
}

// request returns the request of one attempt with a header of its own, to which authTransport adds the credential.
func (c *Client) request(ctx context.Context, k *call) *http.Request {
	req := (&http.Request{Method: http.MethodGet, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	req.URL, req.Host, req.Header = k.url, k.url.Host, maps.Clone(c.header)
	return req
}

// transportError returns the error of an attempt without a response. It does not wrap causes of the transport, because some of them match
// context.DeadlineExceeded.
func transportError(ctx context.Context, err error) error {
	switch cause := ctxErr(ctx); {
	case cause != nil:
		return cause
	case errors.Is(err, ErrUnauthenticated), errors.Is(err, request.ErrProjectForbidden), errors.Is(err, request.ErrTooManyCalls):
		return err
	case isProtocolError(err):
		return fmt.Errorf("%w: %s", ErrBadResponse, err.Error())
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, err.Error())
}

// isProtocolError reports whether the response was not valid HTTP. The standard library has no type for all of these errors.
func isProtocolError(err error) bool {
	var protocol textproto.ProtocolError
	return errors.As(err, &protocol) || strings.Contains(err.Error(), "malformed HTTP") ||
		strings.Contains(err.Error(), "server response headers exceeded")
}

// readBody sets a.body. It fails if the body of a success is longer than maxBody, and truncates that of an error.
func (c *Client) readBody(ctx context.Context, a *response, resp *http.Response) error {
	body, err := gunzip(resp)
	if err != nil {
		return err
	}
	limit := int64(smallBody)
	if a.status >= 300 {
		limit = maxErrorBody
	}
	b := c.buffers.Get().(*bytes.Buffer)
	defer c.putBuffer(b)
	_, err = b.ReadFrom(io.LimitReader(body, limit))
	if err != nil || a.status >= 300 || b.Len() < smallBody {
		a.body = b.String()
		return err
	}
	return c.readLarge(ctx, a, b.Bytes(), body)
}

// readLarge reads the rest of a large body. It waits for one of maxLargeBodies permits, which is held until the response is released.
func (c *Client) readLarge(ctx context.Context, a *response, start []byte, rest io.Reader) error {
	if err := c.large.Acquire(ctx, 1); err != nil {
		return err
	}
	a.done = func() { c.large.Release(1) }
	var text strings.Builder
	text.Write(start)
	_, err := io.Copy(&text, io.LimitReader(rest, maxBody+1-smallBody))
	a.body = text.String()
	if err == nil && len(a.body) > maxBody {
		err = fmt.Errorf("longer than %d bytes", maxBody)
	}
	return err
}

// gunzip decompresses a body whose encoding is x-gzip, which http.Transport does not decode. It is an alias of gzip (RFC 9110, section 8.4.1.3).
func gunzip(resp *http.Response) (io.Reader, error) {
	if !strings.EqualFold(resp.Header.Get("Content-Encoding"), "x-gzip") || resp.ContentLength == 0 {
		return resp.Body, nil
	}
	return gzip.NewReader(resp.Body)
}

// putBuffer returns a buffer to the pool unless it has grown too large.
func (c *Client) putBuffer(b *bytes.Buffer) {
	if b.Cap() <= 1<<20 {
		b.Reset()
		c.buffers.Put(b)
	}
}

type sentKey struct{}

// WithSent returns a context in which each call of a Client calls sent twice: with the zero time when it begins to wait for its slot, and with
// the present time when it has acquired the slot, just before its first request is sent. Callers can thereby tell a slow upstream from a long
// queue. If ctx has such a function already, that is called as well.
func WithSent(ctx context.Context, sent func(at time.Time)) context.Context {
	outer, ok := ctx.Value(sentKey{}).(func(time.Time))
	if !ok {
		return context.WithValue(ctx, sentKey{}, sent)
	}
	return context.WithValue(ctx, sentKey{}, func(at time.Time) {
		outer(at)
		sent(at)
	})
}

func notifySent(ctx context.Context, at time.Time) {
	if sent, ok := ctx.Value(sentKey{}).(func(time.Time)); ok {
		sent(at)
	}
}
