package changefeed

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"scalegraph/upstream"
)

const (
	// maxPause bounds the pause between polls of an upstream that fails.
	maxPause = time.Minute

	// pollTimeout bounds one poll with all its calls.
	pollTimeout = 30 * time.Second
)

// A tracker follows one log for all who subscribed to it.
type tracker struct {
	hub   *Hub
	group upstream.Group
	reader
	held int // by members and by those who are about to be; the hub's lock guards it
	ctx  context.Context
	stop context.CancelFunc

	mu          sync.Mutex
	polling     bool
	shared      *position // what the last poll told; nil before the first
	leader      []byte    // where the leader of the log stands, packed, if that did not fit; nil: it did
	members     map[*subscription]*member
	credentials map[credential]*standing
}

// A member is a subscription to this log.
type member struct {
	*subscription
	index      int // of the group in it
	credential credential
	pos        *position // what was pushed to it, or is known to it from before
}

func newTracker(h *Hub, group upstream.Group) *tracker {
	ctx, stop := context.WithCancel(context.Background())
	return &tracker{
		hub: h, group: group, reader: reader{h.cfg.Pages, group},
		ctx: ctx, stop: stop,
		members: map[*subscription]*member{}, credentials: map[credential]*standing{},
	}
}

// admit makes m a member that knows the log up to a position; nil: as it is now.
func (t *tracker) admit(ctx context.Context, m *member, since *position) error {
	if since != nil {
		return t.resume(ctx, m, since)
	}
	if err := t.verify(ctx, m); err != nil {
		return err
	}
	t.add(m, nil)
	return nil
}

// resume reads what m missed, as m.
func (t *tracker) resume(ctx context.Context, m *member, since *position) error {
	as, counted := m.asCaller(ctx, false)
	s, err := t.refresh(as, []*position{since})
	asked := counted()
	if err != nil {
		return err
	}
	steps, now := s.since(since)
	m.place(m.index, since)
	m.push(batch{m.index, steps})
	t.add(m, now)
	t.accept(m.credential, asked)
	return nil
}

// add makes m a member that stands at a position; nil: where the others are, which must be known.
func (t *tracker) add(m *member, pos *position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shared == nil {
		t.shared = pos
	}
	if pos == nil {
		m.place(m.index, t.shared)
	}
	if pos == nil || pos.equal(t.shared) {
		pos = t.shared
	}
	m.pos = pos
	if !m.joined(t) {
		return // its client has gone
	}
	t.hub.keep(t)
	t.members[m.subscription] = m
	t.standing(m.credential).holds++
	if !t.polling {
		t.polling = true
		go t.follow()
		go t.watch()
	}
}

// remove takes a subscription out, where it is a member.
func (t *tracker) remove(s *subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, ok := t.members[s]
	if !ok {
		return
	}
	delete(t.members, s)
	if known := t.standing(m.credential); known.holds <= 1 {
		delete(t.credentials, m.credential)
	} else {
		known.holds--
	}
}

// pause returns how long to wait before the next poll, after so many failures in a row. It is never shorter than the interval,
// so that there are never more polls than promised.
func (t *tracker) pause(failures int, err error) time.Duration {
	d := t.hub.cfg.Poll
	for range min(failures, 8) {
		d = min(2*d, max(maxPause, t.hub.cfg.Poll))
	}
	var status *upstream.StatusError
	if errors.As(err, &status) {
		d = max(d, min(status.RetryAfter, 10*maxPause))
	}
	return d + rand.N(d/10+1)
}

// follow polls, or hears what another process polled, until the tracker stops.
func (t *tracker) follow() {
	heard, stop := t.listen()
	defer t.leave()
	defer stop()
	p := &poller{tracker: t, heardAt: time.Now()}
	timer := time.NewTimer(t.pause(0, nil))
	defer timer.Stop()
	for {
		select {
		case n := <-heard:
			p.heard(n)
		case <-timer.C:
			p.tick()
			timer.Reset(t.pause(p.failures, p.err))
		case <-t.ctx.Done():
			return
		}
	}
}

// A poller decides when to poll.
type poller struct {
	*tracker
	failures int   // in a row
	err      error // the last one's
	heardAt  time.Time
	polledAt time.Time
}

// tick polls as the leader of the log, or because the leader says nothing.
func (p *poller) tick() {
	switch {
	case p.lead():
		p.try(true)
	case float64(time.Since(p.heardAt)) > deafness*float64(p.hub.cfg.Poll):
		p.try(false)
	}
}

// heard takes a notice. Where it does not fit, a poll tells what was missed, but not more often than the interval.
func (p *poller) heard(n notice) {
	p.heardAt = time.Now()
	if !p.hear(n) && time.Since(p.polledAt) >= p.hub.cfg.Poll/2 {
		p.try(false)
	}
}

// try polls once. A leader that fails lets another one try.
func (p *poller) try(leads bool) {
	p.polledAt = time.Now()
	if p.err = p.poll(leads); p.err == nil {
		p.failures = 0
		return
	}
	p.failures++
	if p.ctx.Err() == nil {
		p.hub.cfg.Log.Warn("a poll failed", "group", p.group.ID, "failures", p.failures, "error", p.err.Error())
	}
	if leads {
		p.leave()
	}
}

// wait reports false where ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// poll reads what is new, as one of the members, and pushes it to all. A member whose credential is refused ends, and another
// one's is used. A leader tells the others.
func (t *tracker) poll(leads bool) error {
	ctx, cancel := context.WithTimeout(t.ctx, pollTimeout)
	defer cancel()
	for {
		r := t.reading()
		if r.as == nil {
			return nil
		}
		as, counted := r.as.asCaller(ctx, false)
		s, err := t.refresh(as, r.positions)
		asked := counted()
		switch {
		case refused(err):
			t.refuse(r.as.credential, err)
			continue
		case errors.Is(err, upstream.ErrNotFound), errors.Is(err, upstream.ErrPlaceNotFound):
			t.dismiss(err)
			return nil
		case err != nil:
			return err
		}
		t.accept(r.as.credential, asked)
		before, n := t.publish(r, s)
		if leads {
			t.tell(before, n)
		}
		return nil
	}
}

// A round is what a poll sets out with.
type round struct {
	as        *member // reads; nil where there are no members
	members   map[*member]bool
	positions []*position // the shared one first
}

// reading begins a round. The member that reads is one with the credential that the upstream was not asked with for the longest
// time: so most credentials need no other calls to be checked.
func (t *tracker) reading() round {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := round{members: make(map[*member]bool, len(t.members)), positions: []*position{t.shared}}
	for _, m := range t.members {
		r.members[m] = true
		if m.pos != t.shared {
			r.positions = append(r.positions, m.pos)
		}
		if r.as == nil || t.standing(m.credential).at.Before(t.standing(r.as.credential).at) {
			r.as = m
		}
	}
	return r
}

// publish pushes to every member what is new to it. Members at the same position share the work. One that joined while the poll
// was under way, and read the log itself, may know more than the poll: it waits for the next. What was new to the shared position is
// returned.
func (t *tracker) publish(r round, s *snapshot) (before *position, told news) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := newsByPosition{}
	before = t.shared
	told = known.of(s, before)
	t.shared = told.pos
	for _, m := range t.members {
		if !r.members[m] && m.pos != before {
			continue
		}
		n := known.of(s, m.pos)
		m.push(batch{m.index, n.steps})
		if m.pos = n.pos; m.pos.equal(t.shared) {
			m.pos = t.shared
		}
	}
	t.agree(s)
	return before, told
}

// news is what a poll told those at one position, and where they stand now.
type news struct {
	steps []step
	pos   *position
}

type newsByPosition map[*position]news

func (known newsByPosition) of(s *snapshot, p *position) news {
	n, ok := known[p]
	if !ok {
		n.steps, n.pos = s.since(p)
		known[p] = n
	}
	return n
}

// dismiss ends all members.
func (t *tracker) dismiss(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.members {
		s.end(why)
	}
	clear(t.members)
	clear(t.credentials)
}
