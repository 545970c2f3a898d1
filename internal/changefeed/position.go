package changefeed

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"scalegraph/upstream"
)

const (
	// lookback is for how many seconds before the newest row a row may still become visible late. The upstream does not document
	// that rows appear in the order of their start times.
	lookback = 10

	// maxSeen bounds the rows that a position names one by one. If more rows start within lookback seconds, the time for late rows is
	// shorter; the rows of the newest second are always named, up to maxSeenInSecond.
	maxSeen = 128

	// maxSeenInSecond bounds the named rows of one second. If a second has more, it counts as completely known.
	maxSeenInSecond = 1024

	// maxClockSkew is how far the clocks of two replicas may differ without an effect on the order of events.
	maxClockSkew = time.Second
)

// A position is a subscriber's knowledge of one log. All rows that started before floor are known, and those in seen. Known rows in
// running were in progress when they were read last; all other known rows had ended.
//
// Positions are immutable and shared.
type position struct {
	floor   int64 // start second; math.MinInt64 if the log had no rows
	seen    []seenRow
	running []runningRow // sorted by id
	readAt  time.Time    // no part was read from the upstream later than this; zero: the log has not been read yet
	encoded []byte       // all but readAt, see append
}

// seenRow names a known row.
type seenRow struct {
	second int64
	id     uint64 // a hash of its log id
}

func (r seenRow) compare(s seenRow) int {
	return cmp.Or(cmp.Compare(r.second, s.second), cmp.Compare(r.id, s.id))
}

// runningRow is a row that has not ended.
type runningRow struct {
	id      string
	content uint32 // see contentHash
}

func seenRowOf(a *upstream.Activity) seenRow {
	h := fnv.New64a()
	h.Write([]byte(a.LogID))
	return seenRow{a.StartTime.Unix(), h.Sum64()}
}

// emptyPosition returns the position of a subscriber that knows that a log is empty.
func emptyPosition() *position { return (&position{floor: math.MinInt64}).compact() }

// unreadPosition is the position in a log that could not be read when the subscription began: rows that start from then on are new.
func unreadPosition(began time.Time) *position {
	return (&position{floor: began.Unix() - lookback}).compact()
}

// contains reports whether the subscriber knows the row. Its content may have changed since.
func (p *position) contains(a *upstream.Activity) bool {
	if a.StartTime.Unix() < p.floor {
		return true
	}
	_, ok := slices.BinarySearchFunc(p.seen, seenRowOf(a), seenRow.compare)
	return ok
}

// find returns the index of a running row, or the index at which it would be inserted.
func (p *position) find(id string) (int, bool) {
	return slices.BinarySearchFunc(p.running, id, func(r runningRow, id string) int { return cmp.Compare(r.id, id) })
}

// readAgain returns the same position, confirmed by a later read.
func (p *position) readAgain(at time.Time) *position {
	q := *p
	q.readAt = at
	return &q
}

// received converts the read time of a position that may come from another replica to this replica's clock. The result is not in the
// future, so that every later read counts as later.
func (p *position) received(now time.Time) *position {
	if p.readAt.IsZero() {
		return p
	}
	at := p.readAt.Add(maxClockSkew)
	if at.After(now) {
		at = now
	}
	return p.readAgain(at)
}

// withRow returns the position after the row became known as it is now.
func (p *position) withRow(a *upstream.Activity) *position {
	q := &position{floor: p.floor, seen: p.seen, running: p.running, readAt: p.readAt}
	if !p.contains(a) {
		m := seenRowOf(a)
		i, _ := slices.BinarySearchFunc(p.seen, m, seenRow.compare)
		q.seen = slices.Insert(slices.Clone(p.seen), i, m)
	}
	i, was := p.find(a.LogID)
	switch runs := a.Status == upstream.StatusDoing; {
	case runs && was:
		q.running = slices.Clone(p.running)
		q.running[i].content = contentHash(a)
	case runs:
		q.running = slices.Insert(slices.Clone(p.running), i, runningRow{strings.Clone(a.LogID), contentHash(a)})
	case was:
		q.running = slices.Delete(slices.Clone(p.running), i, i+1)
	}
	return q.compact()
}

// withoutRow returns the position after a running row has left the log.
func (p *position) withoutRow(id string) *position {
	i, was := p.find(id)
	if !was {
		return p
	}
	running := slices.Delete(slices.Clone(p.running), i, i+1)
	return (&position{floor: p.floor, seen: p.seen, running: running, readAt: p.readAt}).compact()
}

// compact raises the floor as the bounds demand, and encodes. It must only be called on a position that is not shared yet.
func (p *position) compact() *position {
	if n := len(p.seen); n > 0 {
		newest := p.seen[n-1].second
		p.raise(newest - lookback)
		if n := len(p.seen); n > maxSeen {
			p.raise(min(newest, p.seen[n-maxSeen-1].second+1))
		}
		if len(p.seen) > maxSeenInSecond {
			p.raise(newest + 1)
		}
	}
	p.encoded = p.append(nil)
	return p
}

func (p *position) raise(floor int64) {
	p.floor = max(p.floor, floor)
	below, _ := slices.BinarySearchFunc(p.seen, p.floor, func(m seenRow, floor int64) int { return cmp.Compare(m.second, floor) })
	p.seen = p.seen[below:]
}

// equal compares knowledge, whenever it was read.
func (p *position) equal(q *position) bool { return p == q || string(p.encoded) == string(q.encoded) }
