package paging

import (
	"math"

	"scalegraph/upstream"
)

const (
	// A second with all its rows fits one call only with a row of each neighbouring second beside it.
	maxTies = upstream.MaxLimit - 2

	// So often reads are made side by side, and so many reads may be shorter than a whole call; then a walk makes one whole
	// call after the other.
	maxBroadsides = 3
	maxShort      = 6

	// Neighbouring reads share two rows, so that a second which stands alone is complete in one of them.
	stride = upstream.MaxLimit - 2
)

// seekPlace says what to ask for to find the place the walk starts from.
func (w *walk) seekPlace() []read {
	q := w.q
	total, known := w.total()
	switch {
	case q.Last && q.Before == nil && known:
		return w.stretch(total-q.Count-1, total, total)
	case q.Last && q.Before == nil, !q.Last && q.After == nil && q.Skip == 0:
		return w.stretch(0, q.Count+1, 0)
	case q.After == nil && !q.Last:
		return w.seekSkip()
	}
	place := q.After
	if q.Last {
		place = q.Before
	}
	if r, ok := w.tight(place.Second); ok {
		return []read{r}
	}
	return w.seek(place.Second, q.Count)
}

// seekSkip finds the row with Skip rows before it: by its offset, then by its second where that began before the offset.
func (w *walk) seekSkip() []read {
	if len(w.windows) > 0 {
		v := w.windows[len(w.windows)-1]
		i, _ := v.skip(w.q.Skip)
		if w.q.Skip >= v.offset && i < len(v.rows) {
			return w.seek(v.second(i), w.q.Count)
		}
	}
	return w.stretch(w.q.Skip-1, w.q.Skip+w.q.Count+1, w.q.Skip-1)
}

// seek says what to ask for to get a window that is complete at second s, with the rows that the walk wants behind it.
func (w *walk) seek(s int64, more int) []read {
	b := w.bracket(w.edge(s))
	if b.known && b.least == b.most {
		return w.exactly(b.least, more)
	}
	if guess, ok := w.guess(s, b); ok {
		from, to := w.layout(guess, more)
		return w.stretch(from, to, guess)
	}
	switch {
	case len(w.windows) == 0 && !b.known:
		return []read{{0, upstream.MaxLimit}}
	case b.most-b.least < maxTies && w.q.Last:
		return []read{{max(0, b.most+1-upstream.MaxLimit), upstream.MaxLimit}}
	case b.most-b.least < maxTies:
		return []read{{max(0, b.least-1), upstream.MaxLimit}}
	}
	return []read{{max(0, w.probe(s, b)-upstream.MaxLimit/2), upstream.MaxLimit}}
}

// edge is the second whose boundary tells where the rows of s begin or, walking backward, end.
func (w *walk) edge(s int64) int64 {
	if w.q.Last {
		return s - 1
	}
	return s
}

// layout is the stretch of offsets that holds a boundary, one row beyond it, the rows wanted, one more of the place's own
// second and one to show that the last second is complete.
func (w *walk) layout(boundary, more int) (from, to int) {
	if w.q.Last {
		return boundary - more - 2, boundary + 1
	}
	return boundary - 1, boundary + more + 2
}

// exactly asks for what lies behind a boundary whose offset is known. Where that was asked before and did not do, the second
// has more rows than one would think, and a whole call is spent on it.
func (w *walk) exactly(boundary, more int) []read {
	from, to := w.layout(boundary, more)
	total, _ := w.total()
	for _, v := range w.windows {
		if !w.q.Last && v.offset == max(0, from) || w.q.Last && v.offset+v.size == min(to, total) {
			from, _ = w.layout(boundary, upstream.MaxLimit-3)
			return []read{{max(0, from), upstream.MaxLimit}}
		}
	}
	return w.stretch(from, to, boundary)
}

// stretch cuts a stretch of offsets into reads that overlap. While the length of the log is unknown, only the one with the
// place is asked for; its answer tells the rest. So it is in a log that changes faster than it is read: one whole call at a
// time catches up with it.
func (w *walk) stretch(from, to, place int) []read {
	total, known := w.total()
	from = max(0, from)
	if w.broadsides == maxBroadsides || len(w.windows) >= maxShort {
		return w.whole(from, to)
	}
	if known {
		to = min(to, max(total, from+upstream.MaxLimit))
	}
	var reads []read
	for ; ; from += stride {
		r := read{from, min(upstream.MaxLimit, max(1, to-from))}
		end := from+r.limit >= to
		if known || end || place < from+r.limit-1 {
			reads = append(reads, r)
		}
		if end || len(reads) > 0 && !known {
			return reads
		}
	}
}

// whole is one whole call at the near end of a stretch. Every other one begins before that end, because rows may come or go
// between two calls, and a full second leaves room for that on one side only.
func (w *walk) whole(from, to int) []read {
	room := len(w.windows) % 2 * upstream.MaxLimit / 4
	if w.q.Last {
		return []read{{max(0, to-upstream.MaxLimit+room), upstream.MaxLimit}}
	}
	return []read{{max(0, from-room), upstream.MaxLimit}}
}

// crowded reports whether some second has more rows than can be handed out safely.
func (w *walk) crowded() bool {
	if len(w.windows) == 0 {
		return false
	}
	v := w.windows[len(w.windows)-1]
	for i := 0; i < len(v.rows); i += max(1, v.has(v.second(i))) {
		if v.has(v.second(i)) > maxTies && !v.complete(v.second(i)) {
			return true
		}
	}
	return false
}

// A bracket bounds the number of rows that start after a second.
type bracket struct {
	least, most  int
	known        bool // whether most is a bound at all
	newer, older end  // what the log is like where least and most rows have gone by
}

// An end is one end of a bracket.
type end struct {
	second int64   // start of the row there
	pace   float64 // seconds from row to row around it
	even   bool    // whether rows come evenly around it
	seen   bool    // in a window; else it is what to expect of it
}

// bracket gathers what all windows tell of a boundary. What rows came or went between two windows widens what the older
// ones told; where they contradict each other, the youngest is right.
func (w *walk) bracket(s int64) bracket {
	total, known := w.track.lastTotal()
	b := bracket{most: total, known: known}
	for n, v := range w.windows {
		b.most += max(0, v.total-total)
		b.least = max(0, b.least+min(0, v.total-total))
		total = v.total
		least, most := v.boundary(s)
		if n == 0 || max(least, b.least) > min(most, b.most) {
			b = bracket{most: v.total, known: true}
		}
		b.narrow(v, s, least, most)
	}
	return b
}

// narrow takes in what v tells. An end that nobody has seen is taken to be as v's rows let expect.
func (b *bracket) narrow(v *window, s int64, least, most int) {
	i := v.from(s)
	if least > b.least && i > 0 {
		b.newer = end{v.second(i - 1), v.pace(), v.even(), true}
	}
	if most < b.most && i < len(v.rows) {
		b.older = end{v.second(i), v.pace(), v.even(), true}
	}
	b.least, b.most = max(b.least, least), min(b.most, most)
	if !b.newer.seen {
		b.newer = end{second: v.expected(b.least)}
	}
	if !b.older.seen {
		b.older = end{second: v.expected(b.most)}
	}
}

// probe says where to look next for second s: in proportion to the time where the rows seem to come evenly, and by halves
// where they do not, so that a log with bursts and silences is searched in as many calls as its length allows.
func (w *walk) probe(s int64, b bracket) int {
	if s > b.newer.second || s < b.older.second || b.newer.second <= b.older.second || !b.even() && !w.nears(s, b) {
		return (b.least + b.most) / 2
	}
	share := float64(b.newer.second-s) / float64(b.newer.second-b.older.second)
	margin := float64(min(maxTies, b.most-b.least)) / 2
	at := float64(b.least) + share*float64(b.most-b.least)
	return int(math.Min(math.Max(at, float64(b.least)+margin), float64(b.most)-margin))
}

// even reports whether the rows at both ends of the bracket come as fast as those between them do on average.
func (b bracket) even() bool {
	if !b.older.even || !b.newer.even {
		return false
	}
	average := float64(b.newer.second-b.older.second) / float64(b.most-b.least)
	return math.Abs(b.newer.pace-average) < average/2 && math.Abs(b.older.pace-average) < average/2
}

// nears reports whether to believe in one pace throughout, while no row beyond s was seen: at first, and as long as every
// call comes four times as near as the one before.
func (w *walk) nears(s int64, b bracket) bool {
	if b.older.seen && b.newer.seen {
		return false
	}
	n := len(w.windows)
	return n < 2 || w.windows[n-1].distance(s) <= w.windows[n-2].distance(s)/4
}

// guess returns where the walk's memory has the boundary, clipped to what is known. It is asked again where the first answer
// told of rows that came at the head, or came so near to s that few rows can have expired.
func (w *walk) guess(s int64, b bracket) (int, bool) {
	total, known := w.total()
	if !known || w.guesses == 2 {
		return 0, false
	}
	at, ok := w.track.boundary(w.edge(s), total)
	if !ok || w.guesses > 0 && at == w.guessed && !w.windows[len(w.windows)-1].near(s) {
		return 0, false
	}
	w.guesses, w.guessed = w.guesses+1, at
	return max(b.least, min(at, b.most)), true
}
