// Package changefeed serves subscriptions to activity logs, which can only be polled. One poller reads each log for all of its
// subscribers. A subscriber's knowledge of a log is a position; each poll is compared with it, and the difference is sent. A position
// is all that is needed to resume, in this process or in another.
//
// The package is independent of GraphQL and of transports.
package changefeed

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Config configures a Hub. Only Pages is required.
type Config struct {
	Pages            Pages
	Source           Source        // reads seconds with more rows than fit into a page; nil: their logs cannot be followed
	Poll             time.Duration // interval between polls of a log; default 5 s
	MaxSubscriptions int           // at once; default 10000
	Broadcaster      Broadcaster   // shares polls with other processes; nil: there are none
	Log              *slog.Logger  // default: nothing is logged

	// Authenticate verifies the Bearer of a caller again and sets the projects that it may read at present. An error ends the caller's
	// subscriptions. nil: only the upstream checks credentials.
	Authenticate func(context.Context, *request.Caller) error
}

const (
	defaultPoll             = 5 * time.Second
	defaultMaxSubscriptions = 10_000

	// maxParallelJoins is how many logs of one subscription are read at once before it begins.
	maxParallelJoins = 16
)

// Hub serves subscriptions. It is safe for concurrent use. Its goroutines end when the last subscriber has left.
type Hub struct {
	cfg Config
	id  string // of this process

	mu       sync.Mutex
	pollers  map[upstream.Group]*logPoller
	count    int
	byCaller map[string]int // subscriptions, by request.Caller.Identities
}

// New returns a Hub without subscriptions.
func New(cfg Config) *Hub {
	if cfg.Poll <= 0 {
		cfg.Poll = defaultPoll
	}
	if cfg.MaxSubscriptions <= 0 {
		cfg.MaxSubscriptions = defaultMaxSubscriptions
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Hub{cfg: cfg, id: rand.Text(), pollers: map[upstream.Group]*logPoller{}, byCaller: map[string]int{}}
}

// Changes subscribes the caller in ctx. When it returns, the subscription has begun: the sequence yields the changes since q.Since, and
// then every row that starts or changes from now on. The sequence can be used once and ends with ctx, which also ends the subscription;
// an error is its last element. The first element has no kind, only the position at which the subscription begins. The changes of one
// row are yielded in order, each once.
//
// Joining counts for the MaxCalls of the caller. Errors are those of the upstream, ErrBadPosition, ErrPositionNotFound if too much
// has happened since, ErrSlowSubscriber, and ErrTooManySubscribers. With q.Partial, Changes fails only if no group can be read or the
// credential is not accepted.
func (h *Hub) Changes(ctx context.Context, q upstream.ChangeQuery) (iter.Seq2[upstream.Change, error], error) {
	since := make([]*position, len(q.Groups))
	if q.Since != nil {
		var err error
		if since, err = decodePositions(q.Since, len(q.Groups)); err != nil {
			return nil, err
		}
		for i, p := range since {
			since[i] = p.received(time.Now())
		}
	}
	if !h.reserve(request.CallerFrom(ctx)) {
		return nil, upstream.ErrTooManySubscribers
	}
	s := newSubscription(ctx, q)
	context.AfterFunc(s.ctx, func() { h.leave(s) })
	if err := h.join(s, since); err != nil {
		h.leave(s)
		return nil, err
	}
	return func(yield func(upstream.Change, error) bool) {
		defer h.leave(s)
		s.changes(ctx, yield)
	}, nil
}

// Subscriptions returns the number of open subscriptions.
func (h *Hub) Subscriptions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// Pollers returns the number of logs that are polled.
func (h *Hub) Pollers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.pollers)
}

// reserve takes a slot for a subscription. A caller may have as many as there are free slots, so that one caller alone gets
// half of them, and there are always some for others.
func (h *Hub) reserve(c *request.Caller) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	identities := c.Identities()
	for _, key := range identities {
		if h.byCaller[key] >= h.cfg.MaxSubscriptions-h.count {
			return false
		}
	}
	h.count++
	for _, key := range identities {
		h.byCaller[key]++
	}
	return true
}

func (h *Hub) unreserve(c *request.Caller) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count--
	for _, key := range c.Identities() {
		if h.byCaller[key]--; h.byCaller[key] == 0 {
			delete(h.byCaller, key)
		}
	}
}

// join subscribes s to all of its logs. Those of a partial subscription that cannot be read are retried until they can.
func (h *Hub) join(s *subscription, since []*position) error {
	failed := make([]error, len(s.groups))
	g, joining := errgroup.WithContext(s.ctx)
	g.SetLimit(maxParallelJoins)
	for i := range s.groups {
		g.Go(func() error {
			failed[i] = h.subscribe(joining, s.member(i), since[i])
			if s.partial && !endsPartial(failed[i]) {
				return nil
			}
			return failed[i]
		})
	}
	if err := g.Wait(); err != nil {
		if s.ctx.Err() != nil { // it was ended while it joined, and the reads with it
			return context.Cause(s.ctx)
		}
		return err
	}
	if err := firstIfAll(failed); err != nil {
		return err
	}
	for i, err := range failed {
		if err != nil {
			s.at[i] = since[i]
			if since[i] == nil {
				s.at[i] = unreadPosition(time.Now())
			}
			m := s.member(i)
			m.setUnavailable(err)
			go h.rejoin(m, s.at[i], err)
		}
	}
	return nil
}

// endsPartial reports whether an error ends a partial subscription.
func endsPartial(err error) bool {
	return errors.Is(err, upstream.ErrUnauthenticated) || errors.Is(err, request.ErrTooManyCalls) || errors.Is(err, context.Canceled)
}

// firstIfAll returns the first error if there is no nil among them.
func firstIfAll(errs []error) error {
	for _, err := range errs {
		if err == nil {
			return nil
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

// subscribe makes m a subscriber of its log.
func (h *Hub) subscribe(ctx context.Context, m *member, since *position) error {
	if err := h.authorize(ctx, m); err != nil {
		return err
	}
	t := h.acquire(m.group())
	defer h.release(t)
	return t.subscribe(ctx, m, since)
}

// rejoin subscribes a member of a partial subscription again, with backoff, until it succeeds or the subscription ends.
func (h *Hub) rejoin(m *member, since *position, err error) {
	m.rejoining = true
	for failures := 1; sleep(m.ctx, h.nextDelay(failures, err)); failures++ {
		if errors.Is(err, upstream.ErrPositionNotFound) {
			since = nil // the missed changes have been reported as lost
		}
		if err = h.subscribe(m.ctx, m, since); err == nil {
			return
		}
		if errors.Is(err, upstream.ErrUnauthenticated) {
			m.end(err)
		}
	}
}

// acquire returns the poller of a log, which runs until release.
func (h *Hub) acquire(group upstream.Group) *logPoller {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, ok := h.pollers[group]
	if !ok {
		t = newLogPoller(h, group)
		h.pollers[group] = t
	}
	t.refs++
	return t
}

// retain adds a reference to a poller that has one already.
func (h *Hub) retain(t *logPoller) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t.refs++
}

// release stops a poller that has no other reference.
func (h *Hub) release(t *logPoller) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.refs--; t.refs == 0 {
		delete(h.pollers, t.group)
		t.stop()
	}
}

// leave ends a subscription and frees its slot, once.
func (h *Hub) leave(s *subscription) {
	s.end(nil)
	for _, t := range s.takePollers() {
		t.remove(s)
		h.release(t)
	}
	s.once.Do(func() { h.unreserve(s.caller) })
}
