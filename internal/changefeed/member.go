package changefeed

import "scalegraph/upstream"

// A member is a subscription's part in one log. The lock of its poller guards the fields below; before it has a poller, the goroutine
// that subscribes it does.
type member struct {
	*subscription
	index       int // of the group in the subscription
	credential  credential
	pos         *position // after all enqueued changes
	unavailable bool      // ChangeUnavailable was the last change of the group; only in a partial subscription
	rejoining   bool      // the subscription has begun already
}

func (s *subscription) member(index int) *member {
	return &member{subscription: s, index: index, credential: credentialOf(s.caller, s.groups[index].Project)}
}

func (m *member) group() upstream.Group { return m.groups[m.index] }

// purpose is that of the read with which m joins its log.
func (m *member) purpose() purpose {
	if m.rejoining {
		return forPoll
	}
	return forJoin
}

// begin sets the position of a member and enqueues the changes that it has missed.
func (m *member) begin(at *position, missed []step) {
	if m.rejoining {
		m.unavailable = false
		m.enqueue(batch{index: m.index, steps: append([]step{{kind: upstream.ChangeAvailable, pos: at}}, missed...)})
		return
	}
	m.at[m.index] = at
	m.enqueue(batch{index: m.index, steps: missed, missed: true})
}

// deliver enqueues the changes of one poll.
func (m *member) deliver(steps []step) {
	if m.unavailable {
		m.unavailable = false
		steps = append([]step{{kind: upstream.ChangeAvailable}}, steps...)
	}
	m.enqueue(batch{index: m.index, steps: steps})
}

// setUnavailable enqueues ChangeUnavailable, unless the group is unavailable already or the subscription is not partial.
func (m *member) setUnavailable(why error) {
	if m.unavailable || !m.partial {
		return
	}
	m.unavailable = true
	m.enqueue(batch{index: m.index, steps: []step{{kind: upstream.ChangeUnavailable, err: why}}})
}
