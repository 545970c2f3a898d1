package changefeed

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"scalegraph/upstream"
)

// A Broadcaster lets processes share polls: one of them leads a log, polls it, and publishes the result. It may fail at any time:
// a process that cannot find out whether there is a leader leads itself, one that receives no updates polls itself, and an update is applied
// only if it begins at the position of the receiver.
type Broadcaster interface {
	// TryLead reports whether this process leads a log, from now on for ttl.
	TryLead(ctx context.Context, log upstream.Group, ttl time.Duration) bool
	// Resign lets another process lead.
	Resign(log upstream.Group)
	// Publish sends a message to the other processes. It may be lost.
	Publish(ctx context.Context, log upstream.Group, message []byte)
	// Subscribe calls handle, which does not block, with each message until stop. Messages of this process may be among them.
	Subscribe(log upstream.Group, handle func(message []byte)) (stop func())
}

// A pollUpdate is the message that a leader publishes after a poll.
type pollUpdate struct {
	By         string               // the process
	From       []byte               // its encoded position before the poll
	To         []byte               // and after it
	Rows       []*upstream.Activity // the rows that changed or are new
	Gone       []string             // log ids of running rows that have left the log
	Incomplete bool                 // some rows could not be read
}

const (
	// updateBuffer is how many updates may wait to be applied. Others are lost, which costs a poll.
	updateBuffer = 16

	// leaderTimeoutIntervals is after how many intervals without an update from the leader a process polls itself.
	leaderTimeoutIntervals = 2.5
)

// leaderTTL is how long a leader leads if it does not renew that.
func (t *logPoller) leaderTTL() time.Duration { return 2*t.hub.cfg.Poll + time.Second }

// newPollUpdate describes how a poll changed the position of a process.
func newPollUpdate(by string, before *position, d delta, s *snapshot) pollUpdate {
	u := pollUpdate{By: by, From: before.encoded, To: d.pos.encoded, Incomplete: s.unread > 0}
	for _, step := range d.steps {
		u.Rows = append(u.Rows, step.row)
	}
	for _, r := range before.running {
		_, runs := d.pos.find(r.id)
		if !runs && !slices.ContainsFunc(u.Rows, func(a *upstream.Activity) bool { return a.LogID == r.id }) {
			u.Gone = append(u.Gone, r.id)
		}
	}
	return u
}

// snapshot returns the snapshot that a poll by a process at From would have returned. Its time is the present time by the clock of this
// process, which is later than every earlier read of the process, so that an older cached page is not compared with it.
func (u pollUpdate) snapshot() *snapshot {
	s := newSnapshot()
	rows := slices.Clone(u.Rows)
	slices.SortFunc(rows, func(a, b *upstream.Activity) int { return a.Point().Compare(b.Point()) })
	s.add(rows)
	s.read(time.Now())
	for _, id := range u.Gone {
		s.running[id] = nil
	}
	return s
}

// publish sends an update to the other processes.
func (t *logPoller) publish(u pollUpdate) {
	if t.hub.cfg.Broadcaster == nil {
		return
	}
	message, err := json.Marshal(u)
	if err != nil {
		return // it can always be encoded
	}
	t.hub.cfg.Broadcaster.Publish(t.ctx, t.group, message)
}

// receive returns the updates of the leader, until it is stopped.
func (t *logPoller) receive() (updates <-chan pollUpdate, stop func()) {
	if t.hub.cfg.Broadcaster == nil {
		return nil, func() {}
	}
	received := make(chan pollUpdate, updateBuffer)
	stop = t.hub.cfg.Broadcaster.Subscribe(t.group, func(message []byte) {
		var u pollUpdate
		if json.Unmarshal(message, &u) != nil || u.By == t.hub.id || slices.Contains(u.Rows, nil) {
			return
		}
		select {
		case received <- u:
		default:
		}
	})
	return received, stop
}

// tryLead reports whether this process is to poll.
func (t *logPoller) tryLead() bool {
	b := t.hub.cfg.Broadcaster
	return b == nil || b.TryLead(t.ctx, t.group, t.leaderTTL())
}

// resign lets another process lead.
func (t *logPoller) resign() {
	if t.hub.cfg.Broadcaster != nil {
		t.hub.cfg.Broadcaster.Resign(t.group)
	}
}

// applyUpdate sends the changes of an update to all members at the position that the update begins with. It returns false if a poll is
// needed because some members are at other positions.
func (t *logPoller) applyUpdate(u pollUpdate) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch string(t.position.encoded) {
	case string(u.To):
		t.deliverTo(t.position, delta{pos: t.position})
		t.setIncomplete(u.Incomplete)
		return t.allCaughtUp()
	case string(u.From):
	default:
		t.leaderPosition = u.To
		return false
	}
	before := t.position
	var d delta
	d.steps, d.pos = u.snapshot().changes(before)
	if string(d.pos.encoded) != string(u.To) {
		t.leaderPosition = u.To
		return false
	}
	t.position = d.pos
	t.deliverTo(before, d)
	t.setIncomplete(u.Incomplete)
	return t.allCaughtUp()
}

// deliverTo sends a delta to the members at a position. The lock is held.
func (t *logPoller) deliverTo(p *position, d delta) {
	for _, m := range t.members {
		if m.pos == p {
			m.deliver(d.steps)
			m.pos = d.pos
		}
	}
}

// allCaughtUp reports whether all members are at the position of the poller. The lock is held.
func (t *logPoller) allCaughtUp() bool {
	for _, m := range t.members {
		if m.pos != t.position {
			return false
		}
	}
	return true
}

// adoptLeaderPosition replaces the position of the poller by the leader's if the leader knows exactly the rows of the snapshot, with the
// same content. Processes that began at different times may differ in older rows, and updates would never fit. If the leader has read the
// log later than the snapshot, it knows rows that members here have not received, and its position is not adopted. The lock is held.
func (t *logPoller) adoptLeaderPosition(s *snapshot) {
	encoded := t.leaderPosition
	if t.leaderPosition = nil; encoded == nil {
		return
	}
	leader, ok := decodePosition(encoded)
	upToDate := t.position.readAt.Equal(s.readAt) // else the poller knows more than the snapshot
	if ok && upToDate && s.covers(leader.floor) && s.positionFrom(leader.floor).equal(leader) {
		t.setPosition(leader.readAgain(s.readAt))
	}
}
