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

// The most that is read of a body, after decompression.
const (
	maxBody      = 32 << 20
	maxErrorBody = 64 << 10

	smallBody      = 1 << 20 // a larger one needs a permit
	maxLargeBodies = 2       // read or decoded at the same time
)

// answer is what came back of one attempt, whatever its status.
type answer struct {
	status int
	header http.Header
	body   string
	at     time.Time // just before the attempt was sent
	done   func()    // gives back the permit of a large body; nil: none is held
}

// release ends the use of the body.
func (a *answer) release() {
	if a.done != nil {
		a.done()
	}
}

// call is one List on its way out.
type call struct {
	region  *region
	url     *url.URL
	project string
	group   string // empty if the call concerns the whole project
	caller  *request.Caller
}

func (k *call) groupKey() groupKey { return groupKey{k.region.name, k.project, k.group} }

// identity returns who is charged for a call: the authenticated caller, or else its main token, so that invented tokens of projects bring
// no further share.
func (k *call) identity() string {
	switch {
	case k.caller.Name != "":
		return "name " + k.caller.Name
	case k.caller.Token != "":
		return "token " + k.caller.Token
	}
	return "token " + k.token()
}

// token returns the token that goes with a call; empty: none.
func (k *call) token() string { return k.caller.TokenFor(k.project) }

// send makes an answer of a call, with as many attempts as the region's policies allow. All of them share one timeout: a call
// that hangs is not made a second time, because the one who asks would wait twice as long for the same silence.
func (c *Client) send(ctx context.Context, k *call) (*answer, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, ErrTimeout)
	defer cancel()
	a, err := k.region.executor.WithContext(ctx).Get(func() (*answer, error) { return c.exchange(ctx, k) })
	if err == nil {
		return a, nil
	}
	if errors.Is(err, circuitbreaker.ErrOpen) {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if over := ended(ctx); over != nil {
		return nil, over
	}
	return nil, err
}

// ended returns nil while ctx lives, ErrTimeout where our own timeout ended it, and ctx.Err() where the caller did.
func ended(ctx context.Context) error {
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrTimeout) {
		return ErrTimeout
	}
	return ctx.Err()
}

// exchange makes one attempt: it sends the request and reads the whole answer, so that one timeout covers both.
// It does not follow redirects: the token must not travel to where an answer points.
func (c *Client) exchange(ctx context.Context, k *call) (*answer, error) {
	a := &answer{at: time.Now()}
	resp, err := c.auth.roundTrip(c.request(ctx, k), k)
	if err != nil {
		return nil, lost(ctx, err)
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	err = c.readBody(ctx, a, resp)
	k.caller.Tally.Bytes.Add(int64(len(a.body)))
	if err == nil {
		return a, nil
	}
	a.release()
	if over := ended(ctx); over != nil {
		return nil, over
	}
	if a.status != http.StatusOK {
		return a, nil // the status says enough
	}
	return nil, a.unreadable(err)
}

// request makes the request of one attempt, whose header is its own: who carries it may write there.
func (c *Client) request(ctx context.Context, k *call) *http.Request {
	req := (&http.Request{Method: http.MethodGet, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	req.URL, req.Host, req.Header = k.url, k.url.Host, maps.Clone(c.header)
	return req
}

// lost says why no answer came. Causes are told in words only: some claim to be a deadline of the context.
func lost(ctx context.Context, err error) error {
	over := ended(ctx)
	switch {
	case over != nil:
		return over
	case errors.Is(err, ErrUnauthenticated), errors.Is(err, request.ErrProjectForbidden), errors.Is(err, request.ErrTooManyCalls):
		return err
	case malformed(err):
		return fmt.Errorf("%w: %s", ErrBadResponse, err.Error())
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, err.Error())
}

// malformed reports whether something answered that does not speak HTTP as we do. The standard library has no type for it.
func malformed(err error) bool {
	var protocol textproto.ProtocolError
	return errors.As(err, &protocol) || strings.Contains(err.Error(), "malformed HTTP") ||
		strings.Contains(err.Error(), "server response headers exceeded")
}

// readBody sets a.body. It fails if a page is longer than maxBody; of an error the beginning is read.
func (c *Client) readBody(ctx context.Context, a *answer, resp *http.Response) error {
	body, err := gunzip(resp)
	if err != nil {
		return err
	}
	limit := int64(smallBody)
	if a.status >= 300 {
		limit = maxErrorBody
	}
	b := c.buffers.Get().(*bytes.Buffer)
	defer c.giveBack(b)
	_, err = b.ReadFrom(io.LimitReader(body, limit))
	if err != nil || a.status >= 300 || b.Len() < smallBody {
		a.body = b.String()
		return err
	}
	return c.readLarge(ctx, a, b.Bytes(), body)
}

// readLarge reads the rest of a page. Few of these are in memory at the same time, until they are released.
func (c *Client) readLarge(ctx context.Context, a *answer, start []byte, rest io.Reader) error {
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

// gunzip returns the body without the encoding that transports do not undo; x-gzip is another name of gzip (RFC 9110, section 8.4.1.3).
func gunzip(resp *http.Response) (io.Reader, error) {
	if !strings.EqualFold(resp.Header.Get("Content-Encoding"), "x-gzip") || resp.ContentLength == 0 {
		return resp.Body, nil
	}
	return gzip.NewReader(resp.Body)
}

// giveBack keeps a buffer for the next body. One that grew for a giant is dropped.
func (c *Client) giveBack(b *bytes.Buffer) {
	if b.Cap() <= 1<<20 {
		b.Reset()
		c.buffers.Put(b)
	}
}
