// Package changefeed tells subscribers what happens in activity logs, which can only be polled. One tracker polls each log for all who
// subscribed to it. What a subscriber knows of a log is a position; a poll is compared with it, and what is new to it is pushed.
// So a position is all that it takes to go on, in this process or in another.
//
// Nothing here knows GraphQL or transports.
package changefeed

import (
	"context"
	"crypto/rand"
	"iter"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Config is what a Hub works with. Everything but Pages may be left zero.
type Config struct {
	Pages Pages
	Poll  time.Duration // how often a log is polled; default 5 s
	Most  int           // subscriptions at once; default 10000
	Relay Relay         // shares polls with other processes; nil: there are none
	Log   *slog.Logger  // default: nothing is logged
}

const (
	defaultPoll = 5 * time.Second
	defaultMost = 10_000

	// opening is how many logs of one subscription are looked at at once before it begins.
	opening = 16
)

// Hub keeps subscriptions. It may be used by many goroutines. What it started ends when the last subscriber has left.
type Hub struct {
	cfg Config
	id  string // of this process

	mu       sync.Mutex
	trackers map[upstream.Group]*tracker
	count    int
}

// New returns a Hub without subscriptions.
func New(cfg Config) *Hub {
	if cfg.Poll <= 0 {
		cfg.Poll = defaultPoll
	}
	if cfg.Most <= 0 {
		cfg.Most = defaultMost
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Hub{cfg: cfg, id: rand.Text(), trackers: map[upstream.Group]*tracker{}}
}

// Changes subscribes with the caller in ctx. When it returns, the subscription has begun: what starts or changes from then on is
// told, after all that happened since q.Since. The sequence can be used once and ends when ctx does, which is also what ends the
// subscription; an error is its last element. The first element has no activity: it tells the position at which the subscription
// begins. Changes of one activity come in their order, each once.
//
// Errors are those of the upstream, and ErrPositionGarbled, ErrPlaceNotFound where too much has happened since, ErrSlowSubscriber
// and ErrManySubscribers.
func (h *Hub) Changes(ctx context.Context, q upstream.ChangeQuery) (iter.Seq2[upstream.Change, error], error) {
	since := make([]*position, len(q.Groups))
	if q.Since != nil {
		var err error
		if since, err = unpack(q.Since, len(q.Groups)); err != nil {
			return nil, err
		}
	}
	if !h.enter() {
		return nil, upstream.ErrManySubscribers
	}
	s := newSubscription(q, request.CallerFrom(ctx))
	context.AfterFunc(ctx, func() { h.leave(s) })
	if err := h.join(ctx, s, since); err != nil {
		h.leave(s)
		return nil, err
	}
	return func(yield func(upstream.Change, error) bool) {
		defer h.leave(s)
		s.changes(ctx, yield)
	}, nil
}

// Subscriptions returns how many there are now.
func (h *Hub) Subscriptions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// Trackers returns how many logs are being polled.
func (h *Hub) Trackers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.trackers)
}

func (h *Hub) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count >= h.cfg.Most {
		return false
	}
	h.count++
	return true
}

// join makes s a member of every log that it asks for.
func (h *Hub) join(ctx context.Context, s *subscription, since []*position) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(opening)
	for i, group := range s.groups {
		g.Go(func() error {
			t := h.hold(group)
			defer h.release(t)
			return t.admit(ctx, &member{subscription: s, index: i, credential: credentialOf(s.caller, group.Project)}, since[i])
		})
	}
	return g.Wait()
}

// hold returns the tracker of a log, which stays until release.
func (h *Hub) hold(group upstream.Group) *tracker {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, ok := h.trackers[group]
	if !ok {
		t = newTracker(h, group)
		h.trackers[group] = t
	}
	t.held++
	return t
}

// keep holds a tracker that is held already.
func (h *Hub) keep(t *tracker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t.held++
}

// release ends a tracker that nobody holds.
func (h *Hub) release(t *tracker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.held--; t.held == 0 {
		delete(h.trackers, t.group)
		t.stop()
	}
}

// leave takes a subscription out of all trackers, once.
func (h *Hub) leave(s *subscription) {
	s.end(nil)
	for _, t := range s.left() {
		t.remove(s)
		h.release(t)
	}
	s.gone.Do(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.count--
	})
}
