package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"golang.org/x/sync/semaphore"

	"scalegraph/internal/request"
)

// The spellings of the three MANUAL types in filters, which differ by region. Responses may have either.
const (
	SpellingTwoN = "MANNUAL"
	SpellingOneN = "MANUAL"
)

// Config configures a Client. Only Endpoints is required.
type Config struct {
	Endpoints    map[string]string // region name to base URL; http or https, with an optional path prefix
	TypeSpelling string            // SpellingTwoN (default) or SpellingOneN
	Timeout      time.Duration     // of one call, retries and their delays included; default 10 s
	Concurrency  int               // maximum number of calls in flight in all regions; a group or a caller gets a quarter; default 64
	Transport    http.RoundTripper // default: NewTransport
	Keys         KeySource         // keys to sign requests with; nil: requests carry the tokens of their callers
	Log          *slog.Logger      // default: discard

	retry retryPolicy
}

// Client calls the upstream. It may be used concurrently.
type Client struct {
	regions   map[string]*region
	spelling  string
	timeout   time.Duration
	sem       *bulkhead
	callers   *identities
	backoff   groupBackoff
	throttles throttles
	large     *semaphore.Weighted // permits for large bodies in memory
	auth      authTransport
	transport http.RoundTripper // below auth
	header    http.Header       // of all requests
	signer    *signer           // nil: callers' tokens are sent
	log       *slog.Logger
	buffers   sync.Pool    // of *bytes.Buffer
	skipped   atomic.Int64 // rows
}

// New returns a client for the regions of cfg. The error names every region with an invalid base URL. New also fails if the keys cannot be
// read. Close the client when it is no longer needed.
func New(cfg Config) (*Client, error) {
	cfg = withDefaults(cfg)
	if cfg.TypeSpelling != SpellingTwoN && cfg.TypeSpelling != SpellingOneN {
		return nil, fmt.Errorf("type spelling %q is neither %s nor %s", cfg.TypeSpelling, SpellingTwoN, SpellingOneN)
	}
	regions, err := newRegions(cfg)
	if err != nil {
		return nil, err
	}
	c := &Client{
		regions:   regions,
		spelling:  cfg.TypeSpelling,
		timeout:   cfg.Timeout,
		sem:       newBulkhead(cfg.Concurrency, cfg.Timeout/2),
		callers:   newIdentities(),
		large:     semaphore.NewWeighted(maxLargeBodies),
		auth:      &tokenAuth{cfg.Transport},
		transport: cfg.Transport,
		header:    http.Header{"Accept": {"application/json"}, "User-Agent": {"scalegraph"}},
		buffers:   sync.Pool{New: func() any { return new(bytes.Buffer) }},
		log:       cfg.Log,
	}
	if cfg.Keys == nil {
		return c, nil
	}
	c.signer, err = newSigner(cfg.Transport, cfg.Keys, cfg.Log)
	c.auth = c.signer
	return c, err
}

func withDefaults(cfg Config) Config {
	if cfg.TypeSpelling == "" {
		cfg.TypeSpelling = SpellingTwoN
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = 64
	}
	if cfg.Transport == nil {
		cfg.Transport = NewTransport(cfg.Concurrency)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.retry == (retryPolicy{}) {
		cfg.retry = defaultRetryPolicy()
	}
	return cfg
}

// Close closes idle connections. It does not affect calls in flight.
func (c *Client) Close() {
	(&http.Client{Transport: c.transport}).CloseIdleConnections()
}

// RowsSkipped returns the number of received rows without an id or a start time.
func (c *Client) RowsSkipped() int64 { return c.skipped.Load() }

// Retries returns the number of retries.
func (c *Client) Retries() int64 {
	var n int64
	for _, r := range c.regions {
		n += r.retries.Load()
	}
	return n
}

// Circuits returns the state of each region's circuit breaker: closed (normal operation), open, or half-open (one call is trying).
func (c *Client) Circuits() map[string]string {
	states := make(map[string]string, len(c.regions))
	for name, r := range c.regions {
		states[name] = r.breaker.State().String()
	}
	return states
}

// List returns rows of an activity log with one upstream call. It fails with an error that wraps one of the package's sentinels (a *StatusError
// if there was a response), or ctx.Err(). The result may be shared: callers must not change it.
func (c *Client) List(ctx context.Context, q ListQuery) (Listing, error) {
	listing, err := c.list(ctx, q)
	if err != nil {
		c.logFailure(ctx, q.Group, err)
		return Listing{}, fmt.Errorf("list activities of %s/%s/%s: %w", q.Group.Region, q.Group.Project, q.Group.ID, err)
	}
	return listing, nil
}

// logFailure logs a failed call with its cause, which is not sent to clients. Failures that may need an operator are warnings, except calls
// that an open circuit rejects: a warning was logged when it opened.
func (c *Client) logFailure(ctx context.Context, g Group, err error) {
	level := slog.LevelDebug
	for _, sentinel := range []error{ErrUnavailable, ErrTimeout, ErrBadResponse, ErrRateLimited} {
		if errors.Is(err, sentinel) && !errors.Is(err, circuitbreaker.ErrOpen) {
			level = slog.LevelWarn
		}
	}
	attrs := []slog.Attr{slog.String("region", g.Region), slog.String("project", g.Project), slog.String("group", g.ID),
		slog.String("error", err.Error())}
	var status *StatusError
	if errors.As(err, &status) {
		attrs = append(attrs, slog.String("upstreamRequestId", status.RequestID))
	}
	c.log.LogAttrs(ctx, level, "an upstream call failed", attrs...)
}

func (c *Client) list(ctx context.Context, q ListQuery) (Listing, error) {
	r, ok := c.regions[q.Group.Region]
	if !ok {
		return Listing{}, fmt.Errorf("region %q is not configured", q.Group.Region)
	}
	u, err := r.listURL(q, c.spelling)
	if err != nil {
		return Listing{}, err
	}
	k := &call{region: r, url: u, project: q.Group.Project, group: q.Group.ID, caller: request.CallerFrom(ctx)}
	for attempt := 0; ; attempt++ {
		a, err := c.do(ctx, k)
		if err != nil {
			return Listing{}, err
		}
		l, err := c.toListing(ctx, q, a)
		a.release()
		if err != nil || len(l.Rows) >= min(q.Limit, l.Total-q.Offset) {
			return l, err
		}
		if attempt > 0 { // the first time, a row may have expired between the upstream's count and its list
			return Listing{}, a.unreadable(fmt.Errorf("%d rows for limit %d at offset %d of %d", len(l.Rows), q.Limit, q.Offset, l.Total))
		}
	}
}

// toListing decodes a response with status 200.
func (c *Client) toListing(ctx context.Context, q ListQuery, a *response) (Listing, error) {
	p, err := decodePage(a.body, q)
	if err != nil {
		return Listing{}, a.unreadable(err)
	}
	request.CallerFrom(ctx).Tally.Rows.Add(int64(len(p.rows)))
	if p.skipped > 0 {
		c.skipped.Add(int64(p.skipped))
		c.log.WarnContext(ctx, "rows without id or start time skipped", "rows", p.skipped, "region", q.Group.Region,
			"project", q.Group.Project, "group", q.Group.ID, "offset", q.Offset, "upstreamRequestId", a.requestID())
	}
	return Listing{Rows: p.rows, Offset: q.Offset, Total: p.total, At: a.sentAt}, nil
}

// do makes a call and checks the status. It fails without a call if the credential is throttled or the group is in backoff. The response must
// be released.
func (c *Client) do(ctx context.Context, k *call) (*response, error) {
	throttleKey, group := throttleKey{k.region.name, c.sentToken(k)}, k.groupKey()
	caller, known := c.callers.of(k)
	if err := c.throttles.check(throttleKey, time.Now()); err != nil {
		return nil, err
	}
	notifySent(ctx, time.Time{})
	release, err := c.sem.acquire(ctx, slotRequest{group, caller, known || c.signer != nil})
	if err != nil {
		return nil, err
	}
	defer release()
	if err := c.backoff.admit(group, time.Now()); err != nil {
		return nil, err
	}
	notifySent(ctx, time.Now())
	a, err := c.send(ctx, k)
	switch {
	case err != nil:
	case a.status != http.StatusOK && a.status != http.StatusNonAuthoritativeInfo:
		err = a.failure(k.token())
	case !known:
		c.callers.accept(k)
	}
	result := resultOf(a, err)
	c.backoff.record(group, result, errors.Is(err, ErrTimeout), time.Now())
	k.region.observe(group, caller, result, time.Now())
	c.throttles.record(throttleKey, err, time.Now())
	return a, err
}

// sentToken returns the key of the token that is sent. Signed requests are throttled by our keys.
func (c *Client) sentToken(k *call) callerKey {
	if c.signer != nil {
		return 0
	}
	return c.callers.key(k.token())
}
