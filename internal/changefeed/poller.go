package changefeed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"scalegraph/upstream"
)

const (
	// maxDelay bounds the delay between polls of a failing upstream.
	maxDelay = time.Minute

	// pollTimeout bounds one poll with all its calls.
	pollTimeout = 30 * time.Second
)

// A logPoller reads one log for all of its subscribers.
type logPoller struct {
	hub   *Hub
	group upstream.Group
	logReader
	refs int // members, and goroutines that are about to add one; the hub's lock guards it
	ctx  context.Context
	stop context.CancelFunc

	mu             sync.Mutex
	polling        bool
	position       *position // after the last poll; nil before the first
	leaderPosition []byte    // of the leader, encoded, if its last update did not fit; nil: it did
	incomplete     bool      // the last poll could not read some rows
	members        map[*subscription]*member
	credentials    map[credential]*credentialState
}

func newLogPoller(h *Hub, group upstream.Group) *logPoller {
	ctx, stop := context.WithCancel(context.Background())
	return &logPoller{
		hub: h, group: group, logReader: logReader{h.cfg.Pages, h.cfg.Source, group},
		ctx: ctx, stop: stop,
		members: map[*subscription]*member{}, credentials: map[credential]*credentialState{},
	}
}

// subscribe adds a member that knows the log up to a position; nil: as it is now.
func (t *logPoller) subscribe(ctx context.Context, m *member, since *position) error {
	if since != nil {
		return t.resume(ctx, m, since)
	}
	if err := t.verify(ctx, m); err != nil {
		return err
	}
	t.add(m, nil, nil, nil)
	return nil
}

// resume reads the changes that m has missed and adds m. If the read is not later than the position since, the next poll delivers them.
func (t *logPoller) resume(ctx context.Context, m *member, since *position) error {
	as, done := m.readContext(ctx, m.purpose())
	s, err := t.readChanges(as, []*position{since})
	called := done()
	if err != nil {
		return err
	}
	steps, now := s.diff(since)
	t.add(m, since, steps, now)
	t.markVerified(m.credential, called)
	return nil
}

// add adds a member that began at a position and knows the log up to another; nil: both are the poller's, which must be known.
func (t *logPoller) add(m *member, since *position, missed []step, now *position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now == nil {
		since, now = t.position, t.position
	}
	if t.position == nil || t.position.equal(now) && now.readAt.After(t.position.readAt) {
		t.setPosition(now)
	}
	if now.equal(t.position) {
		now = t.position
	}
	m.pos = now
	m.begin(since, missed)
	if !m.addPoller(t) {
		return // its client has gone
	}
	t.hub.retain(t)
	t.members[m.subscription] = m
	t.credential(m.credential).refs++
	if !t.polling {
		t.polling = true
		go t.run()
		go t.reverifyLoop()
	}
}

// setPosition replaces the position of the poller and of the members that share it. The lock is held.
func (t *logPoller) setPosition(p *position) {
	before := t.position
	t.position = p
	for _, m := range t.members {
		if m.pos == before {
			m.pos = p
		}
	}
}

// remove removes a subscription, if it is a member.
func (t *logPoller) remove(s *subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, ok := t.members[s]; ok {
		t.removeLocked(m)
	}
}

func (t *logPoller) removeLocked(m *member) {
	delete(t.members, m.subscription)
	if state := t.credential(m.credential); state.refs <= 1 {
		delete(t.credentials, m.credential)
	} else {
		state.refs--
	}
}

// eject ends a member because of an error. In a partial subscription only the group becomes unavailable, until it can be read
// again. The lock is held.
func (t *logPoller) eject(m *member, why error) {
	t.removeLocked(m)
	if !m.partial || endsPartial(why) {
		m.end(why)
		return
	}
	m.setUnavailable(why)
	if !m.dropPoller(t) {
		return // it has left
	}
	t.hub.release(t)
	again := m.member(m.index)
	again.unavailable = true
	go t.hub.rejoin(again, m.pos, why)
}

// nextDelay returns how long to wait before the next poll, after so many consecutive failures. It is never shorter than the
// interval, so that there are never more polls than promised.
func (h *Hub) nextDelay(failures int, err error) time.Duration {
	d := h.cfg.Poll
	for range min(failures, 8) {
		d = min(2*d, max(maxDelay, h.cfg.Poll))
	}
	var status *upstream.StatusError
	if errors.As(err, &status) {
		d = max(d, min(status.RetryAfter, 10*maxDelay))
	}
	return d + rand.N(d/10+1)
}

// sleep reports false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// run polls, or receives the updates of the process that polls, until the poller stops.
func (t *logPoller) run() {
	updates, unsubscribe := t.receive()
	defer t.resign()
	defer unsubscribe()
	p := &schedule{logPoller: t, updatedAt: time.Now()}
	timer := time.NewTimer(t.hub.nextDelay(0, nil))
	defer timer.Stop()
	for {
		select {
		case u := <-updates:
			p.onUpdate(u)
		case <-timer.C:
			p.onTick()
			timer.Reset(t.hub.nextDelay(p.failures, p.err))
		case <-t.ctx.Done():
			return
		}
	}
}

// A schedule decides when to poll.
type schedule struct {
	*logPoller
	failures  int   // consecutive
	err       error // the last one's
	updatedAt time.Time
	polledAt  time.Time
}

// onTick polls as the leader of the log, or because there are no updates from the leader.
func (p *schedule) onTick() {
	switch {
	case p.tryLead():
		p.try(true)
	case float64(time.Since(p.updatedAt)) > leaderTimeoutIntervals*float64(p.hub.cfg.Poll):
		p.try(false)
	}
}

// onUpdate applies an update. If it does not fit, onUpdate polls to read the missing changes, at most once in half an interval.
func (p *schedule) onUpdate(u pollUpdate) {
	p.updatedAt = time.Now()
	if !p.applyUpdate(u) && time.Since(p.polledAt) >= p.hub.cfg.Poll/2 {
		p.try(false)
	}
}

// try polls once. A leader that fails lets another one try.
func (p *schedule) try(leads bool) {
	p.polledAt = time.Now()
	if p.err = p.poll(leads); p.err == nil {
		p.failures = 0
		return
	}
	p.failures++
	if p.ctx.Err() == nil {
		p.reportOutage(p.err)
		p.hub.cfg.Log.Warn("a poll failed", "group", p.group.ID, "failures", p.failures, "error", p.err.Error())
	}
	if leads {
		p.resign()
	}
}

// reportOutage enqueues ChangeUnavailable for partial subscriptions.
func (t *logPoller) reportOutage(err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %s", upstream.ErrTimeout, err.Error())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.members {
		m.setUnavailable(err)
	}
}

// ejectAll ejects all members.
func (t *logPoller) ejectAll(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.members {
		t.eject(m, why)
	}
}
