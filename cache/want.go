package cache

import (
	"slices"
	"time"

	"scalegraph/upstream"
)

// A want names something to fetch.
type want struct {
	part   part
	top    int  // of a block: the place of the first row to ask for
	offset int  // of directPart
	limit  int  // of headPart and directPart
	total  bool // wanted only for the total, which any other read tells as well
}

// whole is the want of a part. Where rows came while the part above it was read, that one ends a little higher than it
// should, and this one is asked for from there on.
func (a *asked) whole(t *track, n part) want {
	if n.top() > t.top() {
		return want{part: headPart, limit: min(upstream.MaxLimit, t.top()-max(n.bottom(), t.expired)+1+headSlack)}
	}
	w := want{part: n, top: n.top()}
	if n == 0 || (n+2).top() > t.top() {
		return w
	}
	if above := a.kept(t, n+2); above != nil && above.last() > n.top()-1 && above.last() <= n.top()-1+slack-headSlack {
		w.top = above.last() + 1
	}
	return w
}

// older forgets the older one of two pieces that disagree, and returns what to fetch in its place.
func (a *asked) older(t *track, parts []part, x, y *piece) []want {
	if y.at.Before(x.at) {
		x = y
	}
	if slices.Contains(a.answered, x) { // both were read just now: the log is not what we take it for
		return []want{a.asIs()}
	}
	for _, n := range parts {
		if n.top() <= t.top() && a.kept(t, n) == x {
			delete(a.got, n)
			a.memory.dropPiece(a.view.hash, t.gen, n)
			return []want{{part: n, top: n.top()}}
		}
	}
	return []want{{part: headPart, limit: min(upstream.MaxLimit, len(x.rows))}}
}

// aligned is the want of a part that ended too high.
func (a *asked) aligned(t *track, n part) want {
	if n.top() > t.top() {
		return a.whole(t, n)
	}
	return want{part: n, top: n.top()}
}

// again says how a piece is fetched anew.
func (a *asked) again(p *piece) want {
	if p.newest || a.track.head == p {
		w := a.freshHead()
		if a.q.Offset > 0 {
			w.limit = max(w.limit, min(upstream.MaxLimit, len(p.rows)))
		}
		return w
	}
	return want{part: part((p.first - blockRows + 1) / halfStride), top: p.first}
}

// freshHead is the call that tells how long the log is now: what the caller asks for itself where it asks for the head, and
// enough to find the rows that are known. It never asks for many more rows than a poll does.
func (a *asked) freshHead() want {
	limit := 20
	if a.q.Offset == 0 {
		limit = a.q.Limit
	}
	if a.track != nil && a.track.head != nil {
		limit = max(limit, min(maxReadAhead, len(a.track.head.rows)))
	}
	return want{part: headPart, limit: limit}
}

func (a *asked) justTotal() want {
	w := a.freshHead()
	w.total = true
	return w
}

// asIs passes the question on as it was asked.
func (a *asked) asIs() want { return want{part: directPart, offset: a.q.Offset, limit: a.q.Limit} }

const (
	headSlack    = 8           // rows that may come while the newest rows are read down to a block
	maxReadAhead = 40          // rows that a look at the head asks for at most, where its caller wants fewer
	pastPause    = time.Second // reads past the cache are made once in this time
)

// distinct leaves one want of each part, and none for the total where another tells it.
func distinct(wants []want) []want {
	var out []want
	for _, w := range wants {
		i := slices.IndexFunc(out, func(o want) bool { return o.part == w.part || o.total })
		switch {
		case i < 0:
			out = append(out, w)
		case w.total:
		case out[i].total:
			out[i] = w
		default:
			out[i].limit = max(out[i].limit, w.limit)
		}
	}
	return slices.DeleteFunc(out, func(w want) bool { return w.total && len(out) > 1 })
}
