package changefeed

import (
	"context"
	"sync"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// maxBacklog bounds the changes that wait for a subscriber, beside those of the poll that it is taking.
const maxBacklog = 1000

// A subscription is what one subscriber wants, and what waits for it.
type subscription struct {
	groups []upstream.Group
	filter upstream.Filter
	caller *request.Caller // whose Tally gets what the subscription causes
	gone   sync.Once
	wake   chan struct{} // filled when there is something new below

	mu      sync.Mutex
	at      []*position // where it stands, by group
	waiting []batch
	backlog int // changes in waiting but for those of the first batch
	ended   bool
	err     error // why it ended; nil where its context did
	member  []*tracker
}

// A batch is what one poll of one log brought a subscription. Its steps are shared and never change.
type batch struct {
	index int // of the group
	steps []step
}

func newSubscription(q upstream.ChangeQuery, caller *request.Caller) *subscription {
	return &subscription{
		groups: q.Groups,
		filter: q.Filter,
		caller: caller,
		wake:   make(chan struct{}, 1),
		at:     make([]*position, len(q.Groups)),
	}
}

// asCaller returns a context to read on behalf of s, and has the upstream be asked where prove says so. counted is to be called when that is done, and reports whether the upstream was asked
// with the credentials of s: what others just read may have been enough. Its caller is a new one each time, so that no budget runs out over
// the days.
func (s *subscription) asCaller(ctx context.Context, prove bool) (as context.Context, counted func() (asked bool)) {
	c := s.caller.Clone()
	c.NoCache, c.ForceAuthCheck, c.MaxCalls = true, prove, 0
	return request.WithCaller(ctx, c), func() bool {
		s.caller.Tally.Add(&c.Tally)
		return c.Tally.Calls.Load() > 0
	}
}

// place says where s stands in a log before anything of it is pushed.
func (s *subscription) place(index int, p *position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[index] = p
}

// joined notes that t has s for a member; false where s has ended before.
func (s *subscription) joined(t *tracker) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.member = append(s.member, t)
	return true
}

// left returns the trackers that have s for a member, once.
func (s *subscription) left() []*tracker {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.member
	s.member = nil
	return list
}

// push appends what happened. It never waits: a subscription with too much waiting ends.
func (s *subscription) push(b batch) {
	if len(b.steps) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.backlog > maxBacklog {
		s.endLocked(upstream.ErrSlowSubscriber)
		return
	}
	if len(s.waiting) > 0 {
		s.backlog += len(b.steps)
	}
	s.waiting = append(s.waiting, b)
	s.stir()
}

// end ends s for a reason; nil where nobody is left to be told.
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
		s.waiting, s.backlog = nil, 0
	}
	s.stir()
}

func (s *subscription) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next returns the batch to take; false where there is none now.
func (s *subscription) next() (b batch, ok, ended bool, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.waiting) == 0 {
		return batch{}, false, s.ended, s.err
	}
	b = s.waiting[0]
	s.waiting[0] = batch{}
	s.waiting = s.waiting[1:]
	if len(s.waiting) > 0 {
		s.backlog -= len(s.waiting[0].steps)
	}
	return b, true, false, nil
}

// changes hands out where s stands, and what is pushed until ctx or s ends.
func (s *subscription) changes(ctx context.Context, yield func(upstream.Change, error) bool) {
	if !yield(upstream.Change{Position: pack(s.at)}, nil) {
		return
	}
	for {
		b, ok, ended, why := s.next()
		switch {
		case ok:
			if !s.hand(ctx, b, yield) {
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

// hand hands out the steps of a batch that the filter lets through.
func (s *subscription) hand(ctx context.Context, b batch, yield func(upstream.Change, error) bool) bool {
	for _, step := range b.steps {
		s.at[b.index] = step.pos
		if !matches(s.filter, step.row) {
			continue
		}
		if ctx.Err() != nil || !yield(upstream.Change{Kind: step.kind, Activity: step.row, Position: pack(s.at)}, nil) {
			return false
		}
	}
	return true
}
