package changefeed

import (
	"context"
	"sync"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// maxBacklog bounds the steps that wait for a subscriber, without those of the batch that it is reading and those that it had missed before the
// subscription began: the budget of calls bounds the latter, and nobody can read them earlier.
const maxBacklog = 1000

// A subscription is one subscriber's query and the changes that wait to be read.
type subscription struct {
	groups  []upstream.Group
	filter  upstream.Filter
	partial bool            // see upstream.ChangeQuery
	caller  *request.Caller // its Tally counts the work for the subscription
	joining *request.Caller // bounds the calls of joining, all logs together
	once    sync.Once       // releases the subscription's slot
	ctx     context.Context // canceled when the subscription ends
	cancel  context.CancelCauseFunc
	wake    chan struct{} // filled when something below has changed

	at []*position // after the yielded changes, by group; only the goroutine that reads the subscription uses it

	mu      sync.Mutex
	queue   []batch
	backlog int // steps in queue without those of the first batch and of missed ones
	ended   bool
	err     error // why it ended; nil if its context did
	pollers []*logPoller
}

// A batch holds the changes of one poll of one log for a subscription. Its steps are shared and immutable.
type batch struct {
	index  int // of the group
	steps  []step
	missed bool // before the subscription began
}

// counted returns the number of steps that count for the backlog.
func (b batch) counted() int {
	if b.missed {
		return 0
	}
	return len(b.steps)
}

func newSubscription(ctx context.Context, q upstream.ChangeQuery) *subscription {
	caller := request.CallerFrom(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	return &subscription{
		groups:  q.Groups,
		filter:  q.Filter,
		partial: q.Partial,
		caller:  caller,
		joining: caller.Clone(),
		ctx:     ctx,
		cancel:  cancel,
		wake:    make(chan struct{}, 1),
		at:      make([]*position, len(q.Groups)),
	}
}

// A purpose determines the budget and the authentication of a read for a subscription.
type purpose int

const (
	forPoll  purpose = iota // the calls are those of the server and have no budget: they go on for days
	forJoin                 // counts for the budget of upstream calls of the caller's request
	forProof                // a read that bypasses cached grants, to check whether the upstream still accepts the credential
)

// readContext returns a context to read on behalf of s. done must be called after the read; it adds the cost to the caller's tally and
// reports whether the upstream was called with the credentials of s, which is not so if others had just read the same.
func (s *subscription) readContext(ctx context.Context, why purpose) (as context.Context, done func() (called bool)) {
	c := s.caller.Clone()
	c.NoCache, c.ForceAuthCheck, c.MaxCalls = true, why == forProof, 0
	if why == forJoin {
		c.Within = s.joining
	}
	return request.WithCaller(ctx, c), func() bool {
		s.caller.Tally.Add(&c.Tally)
		return c.Tally.Calls.Load() > 0
	}
}

// addPoller records that t has s as a subscriber; false if s has ended before.
func (s *subscription) addPoller(t *logPoller) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.pollers = append(s.pollers, t)
	return true
}

// takePollers returns the pollers that have s as a subscriber, once.
func (s *subscription) takePollers() []*logPoller {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.pollers
	s.pollers = nil
	return list
}

// dropPoller takes one poller out; false if takePollers has returned it.
func (s *subscription) dropPoller(t *logPoller) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.pollers {
		if s.pollers[i] == t {
			s.pollers = append(s.pollers[:i], s.pollers[i+1:]...)
			return true
		}
	}
	return false
}

// enqueue appends a batch and never blocks. A subscription with too large a backlog ends.
func (s *subscription) enqueue(b batch) {
	if len(b.steps) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.backlog > maxBacklog && !b.missed {
		s.endLocked(upstream.ErrSlowSubscriber)
		return
	}
	if len(s.queue) > 0 {
		s.backlog += b.counted()
	}
	s.queue = append(s.queue, b)
	s.notify()
}

// end ends s with an error; nil if its client has left.
func (s *subscription) end(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(why)
}

func (s *subscription) endLocked(why error) {
	if s.ended {
		return
	}
	s.ended, s.err = true, why
	if why != nil {
		s.queue, s.backlog = nil, 0
	}
	s.cancel(why)
	s.notify()
}

func (s *subscription) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next returns the batch to read; false if there is none now.
func (s *subscription) next() (b batch, ok, ended bool, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.queue) == 0 {
		return batch{}, false, s.ended, s.err
	}
	b = s.queue[0]
	s.queue[0] = batch{}
	s.queue = s.queue[1:]
	if len(s.queue) > 0 {
		s.backlog -= s.queue[0].counted()
	}
	return b, true, false, nil
}

// changes yields the position at which s begins, and then the enqueued changes, until ctx or s ends.
func (s *subscription) changes(ctx context.Context, yield func(upstream.Change, error) bool) {
	if !yield(upstream.Change{Position: encodePositions(s.at)}, nil) {
		return
	}
	for {
		b, ok, ended, why := s.next()
		switch {
		case ok:
			if !s.emit(ctx, b, yield) {
				return
			}
			continue
		case ended && why != nil:
			yield(upstream.Change{}, why)
			return
		case ended:
			return
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
	}
}

// emit yields the steps of a batch that the filter lets through.
func (s *subscription) emit(ctx context.Context, b batch, yield func(upstream.Change, error) bool) bool {
	for _, step := range b.steps {
		if step.pos != nil {
			s.at[b.index] = step.pos
		}
		if step.row != nil && !matches(s.filter, step.row) {
			continue
		}
		c := upstream.Change{
			Kind: step.kind, Group: s.groups[b.index], Activity: step.row, Err: step.err, Position: encodePositions(s.at),
		}
		if ctx.Err() != nil || !yield(c, nil) {
			return false
		}
	}
	return true
}
