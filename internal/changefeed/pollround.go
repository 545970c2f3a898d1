package changefeed

import (
	"context"
	"errors"

	"scalegraph/upstream"
)

// poll reads the changes with the credential of one of the members, and sends them to all members. If the credential is rejected it
// ejects the members with that credential and tries the next one. A leader publishes the result to other processes.
func (t *logPoller) poll(leads bool) error {
	ctx, cancel := context.WithTimeout(t.ctx, pollTimeout)
	defer cancel()
	for {
		r := t.startRound()
		if r.reader == nil {
			return nil
		}
		as, done := r.reader.readContext(ctx, forPoll)
		s, err := t.readChanges(as, r.positions)
		called := done()
		switch {
		case isAuthError(err):
			t.dropCredential(r.reader.credential, err)
			continue
		case errors.Is(err, upstream.ErrNotFound), errors.Is(err, upstream.ErrPositionNotFound):
			t.ejectAll(err)
			return nil
		case err != nil:
			return err
		}
		t.markVerified(r.reader.credential, called)
		if u := t.distribute(s); leads {
			t.publish(u)
		}
		return nil
	}
}

// A pollRound is the input of a poll.
type pollRound struct {
	reader    *member     // nil if there are no members
	positions []*position // the poller's first
}

// startRound chooses as reader the member with the credential that was verified least recently, so that polls verify most credentials
// without further calls.
func (t *logPoller) startRound() pollRound {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := pollRound{positions: []*position{t.position}}
	for _, m := range t.members {
		if m.pos != t.position {
			r.positions = append(r.positions, m.pos)
		}
		if r.reader == nil || t.credential(m.credential).verifiedAt.Before(t.credential(r.reader.credential).verifiedAt) {
			r.reader = m
		}
	}
	return r
}

// distribute sends every member the changes since its position, computed once for each position. A member that has read the log later
// than the snapshot waits for the next poll. distribute returns the update for other processes.
func (t *logPoller) distribute(s *snapshot) pollUpdate {
	t.mu.Lock()
	defer t.mu.Unlock()
	cache := deltaCache{}
	before := t.position
	shared := cache.of(s, before)
	t.position = shared.pos
	for _, m := range t.members {
		d := cache.of(s, m.pos)
		m.deliver(d.steps)
		if m.pos = d.pos; m.pos.equal(t.position) && !m.pos.readAt.After(t.position.readAt) {
			m.pos = t.position
		}
	}
	t.adoptLeaderPosition(s)
	t.setIncomplete(s.unread > 0)
	return newPollUpdate(t.hub.id, before, shared, s)
}

// setIncomplete enqueues ChangeIncomplete for all members when rows become unreadable. The lock is held.
func (t *logPoller) setIncomplete(incomplete bool) {
	if incomplete && !t.incomplete {
		for _, m := range t.members {
			m.enqueue(batch{index: m.index, steps: []step{{kind: upstream.ChangeIncomplete, err: upstream.ErrRowsUnread}}})
		}
	}
	t.incomplete = incomplete
}

// A delta holds the changes for the members at one position, and their position after them.
type delta struct {
	steps []step
	pos   *position
}

type deltaCache map[*position]delta

func (c deltaCache) of(s *snapshot, p *position) delta {
	d, ok := c[p]
	if !ok {
		d.steps, d.pos = s.diff(p)
		c[p] = d
	}
	return d
}
