package changefeed

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"scalegraph/upstream"
)

const (
	// lookback is for how many seconds before the newest row a row may still turn up late. The upstream says nowhere that rows
	// become visible in the order of their start times.
	lookback = 10

	// maxSeen bounds the rows that a position names one by one. A burst of more within lookback seconds leaves less time to
	// rows that are late; those of the newest second are always named.
	maxSeen = 128
)

// A position says how much of a log somebody knows. Every row that started before the floor is known, and of the later ones
// those in seen. Of all known rows, those in running were under way when they were looked at last, and the others were over.
//
// Positions are shared and never change.
type position struct {
	floor   int64 // start second; math.MinInt64 where the log had no rows
	seen    []mark
	running []running // sorted by id
	packed  []byte    // see append
}

// A mark is a known row.
type mark struct {
	second int64
	id     uint64 // a hash of its log id
}

func (m mark) compare(n mark) int {
	return cmp.Or(cmp.Compare(m.second, n.second), cmp.Compare(m.id, n.id))
}

// running is a row that has not ended.
type running struct {
	id      string
	content uint32 // a hash of what it looked like
}

func markOf(a *upstream.Activity) mark {
	h := fnv.New64a()
	h.Write([]byte(a.LogID))
	return mark{a.StartTime.Unix(), h.Sum64()}
}

// nothing is the position of somebody who knows that a log is empty.
func nothing() *position { return (&position{floor: math.MinInt64}).settle() }

// knows reports whether a row is known, be it as it was.
func (p *position) knows(a *upstream.Activity) bool {
	if a.StartTime.Unix() < p.floor {
		return true
	}
	_, ok := slices.BinarySearchFunc(p.seen, markOf(a), mark.compare)
	return ok
}

// find returns the place of a running row, or where it would stand.
func (p *position) find(id string) (int, bool) {
	return slices.BinarySearchFunc(p.running, id, func(r running, id string) int { return cmp.Compare(r.id, id) })
}

// with returns the position after a row is known as it is now.
func (p *position) with(a *upstream.Activity) *position {
	q := &position{floor: p.floor, seen: p.seen, running: p.running}
	if !p.knows(a) {
		m := markOf(a)
		i, _ := slices.BinarySearchFunc(p.seen, m, mark.compare)
		q.seen = slices.Insert(slices.Clone(p.seen), i, m)
	}
	i, was := p.find(a.LogID)
	switch runs := a.Status == upstream.StatusDoing; {
	case runs && was:
		q.running = slices.Clone(p.running)
		q.running[i].content = content(a)
	case runs:
		q.running = slices.Insert(slices.Clone(p.running), i, running{strings.Clone(a.LogID), content(a)})
	case was:
		q.running = slices.Delete(slices.Clone(p.running), i, i+1)
	}
	return q.settle()
}

// without returns the position after a running row has left the log.
func (p *position) without(id string) *position {
	i, was := p.find(id)
	if !was {
		return p
	}
	return (&position{floor: p.floor, seen: p.seen, running: slices.Delete(slices.Clone(p.running), i, i+1)}).settle()
}

// settle raises the floor as far as the bounds demand. Only a position that nobody else has yet may be settled.
func (p *position) settle() *position {
	if n := len(p.seen); n > 0 {
		newest := p.seen[n-1].second
		p.floor = max(p.floor, newest-lookback)
		if n > maxSeen {
			p.floor = max(p.floor, min(newest, p.seen[n-maxSeen-1].second+1))
		}
		known, _ := slices.BinarySearchFunc(p.seen, p.floor, func(m mark, floor int64) int { return cmp.Compare(m.second, floor) })
		p.seen = p.seen[known:]
	}
	p.packed = p.append(nil)
	return p
}

func (p *position) equal(q *position) bool { return p == q || string(p.packed) == string(q.packed) }
