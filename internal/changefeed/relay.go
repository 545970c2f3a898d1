package changefeed

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"scalegraph/upstream"
)

// A Relay lets processes share polls: one of them leads a log, polls it, and tells the others. Nothing of it has to work. A
// process that cannot tell whether another leads, leads; one that hears nothing polls; and what is told counts only where it begins
// at the very position at which the hearer stands.
type Relay interface {
	// Lead reports whether this process leads a log for so long from now on.
	Lead(ctx context.Context, log upstream.Group, life time.Duration) bool
	// Leave has another process lead.
	Leave(log upstream.Group)
	// Tell tells the others. What does not arrive is lost.
	Tell(ctx context.Context, log upstream.Group, text []byte)
	// Listen calls hear, which does not wait, with what others tell, until it is stopped. It may hear what this process tells.
	Listen(log upstream.Group, hear func(text []byte)) (stop func())
}

// A notice is what a leader tells of a poll.
type notice struct {
	By   string               // the process that tells
	From []byte               // the packed position before it
	To   []byte               // and after it
	Rows []*upstream.Activity // the rows that changed or are new
	Gone []string             // log ids of running rows that have left the log
}

// maxHeard is how many notices may wait to be looked at. More are lost, which costs a poll.
const maxHeard = 16

// deafness is after how many intervals without a word from the leader a process polls by itself.
const deafness = 2.5

// life is for how long a leader leads without renewing that.
func (t *tracker) life() time.Duration { return 2*t.hub.cfg.Poll + time.Second }

// noticeOf says what brought a position to another.
func noticeOf(by string, before *position, n news) notice {
	told := notice{By: by, From: before.packed, To: n.pos.packed}
	for _, step := range n.steps {
		told.Rows = append(told.Rows, step.row)
	}
	for _, r := range before.running {
		_, runs := n.pos.find(r.id)
		if !runs && !slices.ContainsFunc(told.Rows, func(a *upstream.Activity) bool { return a.LogID == r.id }) {
			told.Gone = append(told.Gone, r.id)
		}
	}
	return told
}

// snapshot returns the notice as what somebody at From would have read.
func (n notice) snapshot() *snapshot {
	s := newSnapshot()
	rows := slices.Clone(n.Rows)
	slices.SortFunc(rows, func(a, b *upstream.Activity) int { return a.Point().Compare(b.Point()) })
	s.add(rows)
	for _, id := range n.Gone {
		s.runs[id] = nil
	}
	return s
}

// tell tells the others of a poll.
func (t *tracker) tell(before *position, n news) {
	if t.hub.cfg.Relay == nil {
		return
	}
	text, err := json.Marshal(noticeOf(t.hub.id, before, n))
	if err != nil {
		return // it can always be expressed
	}
	t.hub.cfg.Relay.Tell(t.ctx, t.group, text)
}

// listen returns what the leader tells, until it is stopped.
func (t *tracker) listen() (heard <-chan notice, stop func()) {
	if t.hub.cfg.Relay == nil {
		return nil, func() {}
	}
	notices := make(chan notice, maxHeard)
	stop = t.hub.cfg.Relay.Listen(t.group, func(text []byte) {
		var n notice
		if json.Unmarshal(text, &n) != nil || n.By == t.hub.id || slices.Contains(n.Rows, nil) {
			return
		}
		select {
		case notices <- n:
		default:
		}
	})
	return notices, stop
}

// lead reports whether this process is to poll.
func (t *tracker) lead() bool {
	relay := t.hub.cfg.Relay
	return relay == nil || relay.Lead(t.ctx, t.group, t.life())
}

// leave has another process lead.
func (t *tracker) leave() {
	if t.hub.cfg.Relay != nil {
		t.hub.cfg.Relay.Leave(t.group)
	}
}

// hear pushes what the leader tells to all who stand where it begins. It is false where only a poll can tell what they missed.
func (t *tracker) hear(n notice) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch string(t.shared.packed) {
	case string(n.To):
		return t.together()
	case string(n.From):
	default:
		t.leader = n.To
		return false
	}
	before := t.shared
	var told news
	told.steps, told.pos = n.snapshot().since(before)
	if string(told.pos.packed) != string(n.To) {
		t.leader = n.To
		return false
	}
	t.shared = told.pos
	for _, m := range t.members {
		if m.pos == before {
			m.push(batch{m.index, told.steps})
			m.pos = t.shared
		}
	}
	return t.together()
}

// together reports whether all members stand at the shared position. The lock is held.
func (t *tracker) together() bool {
	for _, m := range t.members {
		if m.pos != t.shared {
			return false
		}
	}
	return true
}

// agree takes over the leader's position where a poll shows that it knows the same of the log. Two that began at different times
// may differ in old rows, which one of them never saw, and notices would never fit. The lock is held.
func (t *tracker) agree(s *snapshot) {
	text := t.leader
	if t.leader = nil; text == nil {
		return
	}
	list, err := unpack(text, 1)
	if err != nil || !s.covers(list[0].floor) || len(s.missing(list)) > 0 {
		return
	}
	if steps, after := s.since(list[0]); len(steps) > 0 || !after.equal(list[0]) {
		return
	}
	before := t.shared
	t.shared = list[0]
	for _, m := range t.members {
		if m.pos == before {
			m.pos = t.shared
		}
	}
}
