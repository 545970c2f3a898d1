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

// The two ways in which regions spell the three MANUAL types in a filter. Both are understood in answers.
const (
	SpellingTwoN = "MANNUAL"
	SpellingOneN = "MANUAL"
)

// Config says where the upstream is and how it is asked. Everything but Endpoints may be left zero.
type Config struct {
	Endpoints    map[string]string // region name to base URL; http or https, a path in front of the API's is kept
	TypeSpelling string            // SpellingTwoN (default) or SpellingOneN
	Timeout      time.Duration     // bound of one List from its first byte sent, retries and their waits included; default 10 s
	Concurrency  int               // calls in flight at once, over all regions; a group or a caller gets a quarter; default 64
	Transport    http.RoundTripper // what carries the requests; default: NewTransport
	Keys         KeySource         // requests are signed with these, and tokens of callers do not count; nil: they do
	Log          *slog.Logger      // default: nothing is logged

	pace pace
}

// Client asks the upstream. It may be used by many goroutines.
type Client struct {
	regions   map[string]*region
	spelling  string
	timeout   time.Duration
	slots     *bulkhead
	backoff   groupBackoff
	throttles throttles
	large     *semaphore.Weighted // large bodies under way
	auth      authTransport
	transport http.RoundTripper // below auth
	header    http.Header       // of all requests
	signer    *signer           // nil: callers' tokens are sent
	log       *slog.Logger
	buffers   sync.Pool // of *bytes.Buffer
	leftOut   atomic.Int64
}

// New returns a client for the regions of cfg, and an error that names every region whose base URL is unusable, or says that there are no keys.
// Close it when it is no longer needed.
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
		slots:     newBulkhead(cfg.Concurrency, cfg.Timeout/2),
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
	if cfg.pace == (pace{}) {
		cfg.pace = defaultPace()
	}
	return cfg
}

// Close gives idle connections back. Calls under way are not disturbed.
func (c *Client) Close() {
	(&http.Client{Transport: c.transport}).CloseIdleConnections()
}

// RowsLeftOut returns how many rows came without an id or a start time since the client was made.
func (c *Client) RowsLeftOut() int64 { return c.leftOut.Load() }

// Retries returns how many attempts were further ones since the client was made.
func (c *Client) Retries() int64 {
	var n int64
	for _, r := range c.regions {
		n += r.retries.Load()
	}
	return n
}

// Circuits returns the state of each region's circuit breaker: closed (all is well), open, or half-open (being tried).
func (c *Client) Circuits() map[string]string {
	states := make(map[string]string, len(c.regions))
	for name, r := range c.regions {
		states[name] = r.breaker.State().String()
	}
	return states
}

// List makes one upstream call. A failure wraps one of the package's sentinels (as a *StatusError where the upstream
// answered), or ctx.Err() where the caller left or ran out of time. The answer is shared: nobody may change it.
func (c *Client) List(ctx context.Context, q ListQuery) (Listing, error) {
	listing, err := c.list(ctx, q)
	if err != nil {
		c.report(ctx, q.Group, err)
		return Listing{}, fmt.Errorf("list activities of %s/%s/%s: %w", q.Group.Region, q.Group.Project, q.Group.ID, err)
	}
	return listing, nil
}

// report logs a failure with its cause, which no client is told. Only what an operator may have to act on is a warning; an
// open circuit was one when it opened.
func (c *Client) report(ctx context.Context, g Group, err error) {
	level := slog.LevelDebug
	for _, fault := range []error{ErrUnavailable, ErrTimeout, ErrBadResponse, ErrRateLimited} {
		if errors.Is(err, fault) && !errors.Is(err, circuitbreaker.ErrOpen) {
			level = slog.LevelWarn
		}
	}
	attrs := []slog.Attr{slog.String("region", g.Region), slog.String("project", g.Project), slog.String("group", g.ID),
		slog.String("error", err.Error())}
	var answered *StatusError
	if errors.As(err, &answered) {
		attrs = append(attrs, slog.String("upstreamRequestId", answered.RequestID))
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
		a, err := c.get(ctx, k)
		if err != nil {
			return Listing{}, err
		}
		l, err := c.read(ctx, q, a)
		a.release()
		if err != nil || len(l.Rows) >= min(q.Limit, l.Total-q.Offset) {
			return l, err
		}
		if attempt > 0 { // once is a row that left between the upstream's counting and its listing
			return Listing{}, a.unreadable(fmt.Errorf("%d rows for limit %d at offset %d of %d", len(l.Rows), q.Limit, q.Offset, l.Total))
		}
	}
}

// read makes a listing of an answer with status 200.
func (c *Client) read(ctx context.Context, q ListQuery, a *answer) (Listing, error) {
	p, err := decodePage(a.body, q)
	if err != nil {
		return Listing{}, a.unreadable(err)
	}
	request.CallerFrom(ctx).Tally.Rows.Add(int64(len(p.rows)))
	if p.skipped > 0 {
		c.leftOut.Add(int64(p.skipped))
		c.log.WarnContext(ctx, "rows without id or start time left out", "rows", p.skipped, "region", q.Group.Region,
			"project", q.Group.Project, "group", q.Group.ID, "offset", q.Offset, "upstreamRequestId", a.requestID())
	}
	return Listing{Rows: p.rows, Offset: q.Offset, Total: p.total, At: a.at}, nil
}

// get makes a call unless its credential is throttled or its group is left alone, and checks the status. The response must be released.
func (c *Client) get(ctx context.Context, k *call) (*answer, error) {
	throttleKey, group, caller := throttleKey{k.region.name, c.sentToken(k)}, k.groupKey(), k.identity()
	if err := c.throttles.check(throttleKey, time.Now()); err != nil {
		return nil, err
	}
	release, err := c.slots.acquire(ctx, group, caller)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := c.backoff.admit(group, time.Now()); err != nil {
		return nil, err
	}
	a, err := c.send(ctx, k)
	if err == nil && a.status != http.StatusOK && a.status != http.StatusNonAuthoritativeInfo {
		err = a.failure(k.token())
	}
	result := resultOf(a, err)
	c.backoff.record(group, result, errors.Is(err, ErrTimeout), time.Now())
	k.region.observe(group, caller, result, time.Now())
	c.throttles.record(throttleKey, err, time.Now())
	return a, err
}

// sentToken returns the caller's token if it is sent; requests that we sign are throttled by our keys.
func (c *Client) sentToken(k *call) string {
	if c.signer != nil {
		return ""
	}
	return k.token()
}
