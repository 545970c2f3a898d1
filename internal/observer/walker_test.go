package observer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"scalegraph/upstream/emulator"
)

// A walker pages through logs. Its walks come one after the other.
type walker struct {
	name    string
	rng     *rand.Rand
	log     *trace
	judge   judge
	clients []client // one for each replica
	groups  []string
	cursors *cursors
	think   time.Duration // between two requests, at most
	pages   int           // of one walk, at most
}

// cursors knows the cursor of every row, for each set of groups and filter. It may be used by many goroutines.
type cursors struct {
	mu  sync.Mutex
	all map[string]string
}

// note returns the cursor that a row had before, if it was another one.
func (c *cursors) note(list string, e edge) (before string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := fmt.Sprint(list, " ", e.point)
	if old, ok := c.all[key]; ok && old != e.cursor {
		return old
	}
	c.all[key] = e.cursor
	return ""
}

// run makes so many walks.
func (w *walker) run(ctx context.Context, walks int) {
	for n := range walks {
		switch w.rng.IntN(6) {
		case 0:
			w.summarize(ctx)
		default:
			w.walk(ctx, fmt.Sprintf("%s.%d", w.name, n))
		}
	}
}

// plan draws a walk.
func (w *walker) plan() request {
	q := request{first: -1, last: -1, offset: -1, groups: []string{w.groups[w.rng.IntN(len(w.groups))]}}
	if len(w.groups) > 1 && w.rng.IntN(3) > 0 {
		q.merged, q.groups = true, w.groups
	}
	if !q.merged && q.groups[0] == w.judge.broken {
		q.merged, q.groups = true, w.groups
	}
	q.filter = w.filter()
	if w.rng.IntN(3) == 0 {
		q.form = form(1 + w.rng.IntN(2))
	}
	switch n := w.rng.IntN(10); {
	case n < 5:
		q.first = w.size()
	case n < 8 || q.merged:
		q.last = w.size()
	default:
		q.first, q.offset = w.size(), w.rng.IntN(300)
	}
	return q
}

func (w *walker) size() int {
	sizes := []int{1, 2, 5, 7, 10, 20, 20, 33, 50, 75, 97, 98, 99, 100, 130, 250, 500}
	return sizes[w.rng.IntN(len(sizes))]
}

func (w *walker) filter() filter {
	var f filter
	types := emulator.Types()
	switch n := w.rng.IntN(20); {
	case n < 10:
	case n < 14:
		f.status = emulator.Statuses()[w.rng.IntN(3)]
	case n < 16:
		f.types = []string{types[w.rng.IntN(len(types))], types[w.rng.IntN(len(types))]}
	case n < 17:
		f.status, f.types = emulator.Success, types[:3]
	case n < 19:
		f.start = time.Now().Add(-time.Duration(w.rng.IntN(3600)) * time.Second)
	default:
		f.end = time.Now().Add(-time.Duration(w.rng.IntN(3600)) * time.Second)
	}
	f.start, f.end = f.start.Truncate(time.Second), f.end.Truncate(time.Second)
	return f
}

// A walk is what one walk was shown.
type walk struct {
	request
	edges  []edge // in the order of the contract
	oldest time.Time
	ended  uint64 // number of the last change before its last page
	done   bool   // whether it reached the end of the log
}

func (w *walker) walk(ctx context.Context, name string) {
	q := w.plan()
	k := walk{request: q}
	steady := w.rng.IntN(2) == 0
	for n := range w.pages {
		p, ok := w.page(ctx, fmt.Sprintf("%s page %d", name, n), q)
		if !ok || ctx.Err() != nil {
			return
		}
		k.add(p)
		if k.done {
			break
		}
		if q.backward() {
			q.before = &p.edges[0]
		} else {
			q.after, q.offset = &p.edges[len(p.edges)-1], -1
		}
		if !steady && q.backward() {
			q.last = w.size()
		} else if !steady {
			q.first = w.size()
		}
		w.wait(ctx)
	}
	if fault := w.judge.walk(k); fault != "" {
		w.log.failf("%s, %v, %d rows: %s", name, k.request, len(k.edges), fault)
	}
}

func (w *walker) wait(ctx context.Context) {
	if w.think <= 0 || w.rng.IntN(3) == 0 {
		return
	}
	select {
	case <-time.After(time.Duration(w.rng.Int64N(int64(w.think)))):
	case <-ctx.Done():
	}
}

// budget is how many upstream calls a request may make.
const budget = 200

// mostCalls estimates how many upstream calls a page needs if nothing is cached: for each group two, one to find the place and one to read there,
// or one if the page begins at the head; further ones for the groups with most of the rows; and two for each move of a log, whose rows are read
// again. A page that may need more than the budget may fail as a whole with QUERY_TOO_COMPLEX.
func mostCalls(q request, moves int) int {
	groups, size := len(q.groups), q.size()
	calls := 2*groups + 2*moves
	if !q.backward() && q.after == nil && q.offset <= 0 {
		calls -= groups
	}
	for n := 2*size/groups + 2; n < size; n *= 3 { // a group that is read further has n rows of the page at least
		calls += size / n * (1 + 3*n/promised)
	}
	return calls
}

// movesIn returns how many moves there were after change number from, up to number to.
func (r record) movesIn(from, to uint64) (n int) {
	for _, end := range r.m.ends() {
		if from < end && end <= to {
			n++
		}
	}
	return n
}

// page requests a page and judges it; false if the walk cannot continue.
func (w *walker) page(ctx context.Context, name string, q request) (page, bool) {
	c := w.clients[w.rng.IntN(len(w.clients))]
	what := name + " " + q.String()
	w.log.addf("%s, form %d", what, q.form)
	began, before := time.Now(), w.judge.e.Seq()
	p, err := c.page(ctx, q, w.rng)
	p.took = time.Since(began)
	if ctx.Err() != nil {
		return p, false
	}
	p.arrived = w.judge.e.Seq()
	var coded *fieldError
	moves := w.judge.movesIn(before, p.arrived)
	if errors.As(err, &coded) && coded.code == "QUERY_TOO_COMPLEX" && mostCalls(q, moves) > budget {
		w.log.addf("%s: %v", what, err)
		return p, false
	}
	if err != nil {
		w.log.failf("%s: %v, with %d moves of the logs and at most %d calls", what, err, moves, mostCalls(q, moves))
		return p, false
	}
	w.log.addf("%s: %d rows, total %d, previous %v, next %v, asOf %s, by change %d", name, len(p.edges), p.total, p.hasPrev, p.hasNext, clock(p.asOf), p.arrived)
	if fault := w.judge.page(q, p); fault != "" {
		w.log.failf("%s: %s", what, fault)
	}
	list := fmt.Sprint(q.merged, q.groups, q.filter)
	for _, e := range p.edges {
		if old := w.cursors.note(list, e); old != "" {
			w.log.failf("%s: the cursor of %v was %s, is %s", what, e.point, old, e.cursor)
		}
	}
	more := p.hasNext
	if q.backward() {
		more = p.hasPrev
	}
	if len(p.edges) == 0 && more {
		w.log.failf("%s: an empty page, though more follow", what)
		return p, false
	}
	return p, true
}

func (k *walk) add(p page) {
	if k.oldest.IsZero() || p.asOf.Before(k.oldest) {
		k.oldest = p.asOf
	}
	k.ended = p.arrived
	if k.backward() {
		k.edges, k.done = slices.Concat(p.edges, k.edges), !p.hasPrev
	} else {
		k.edges, k.done = slices.Concat(k.edges, p.edges), !p.hasNext
	}
}

// walk returns what is wrong with a walk as a whole: each row at most once and in order, and each that matched throughout is there.
func (j judge) walk(k walk) string {
	if len(k.edges) == 0 && !k.done {
		return ""
	}
	for i := 1; i < len(k.edges); i++ {
		if a, b := k.edges[i-1].point, k.edges[i].point; a.compare(b) >= 0 {
			return fmt.Sprintf("%v is repeated or out of order after %v", b, a)
		}
	}
	covered := k.covered()
	for _, group := range j.readable(k.groups) {
		var ids []string
		for _, e := range k.edges {
			if e.group == group {
				ids = append(ids, e.id)
			}
		}
		states := j.states(group, k.oldest, k.ended)
		for i, s := range states {
			states[i] = k.filter.match(s, j.sw)
		}
		if fault := covered.throughout(group, ids, states); strings.Contains(fault, "throughout") {
			return fmt.Sprintf("%s, from asOf %s until change %d", fault, clock(k.oldest), k.ended)
		}
	}
	return ""
}

// covered is the part of the order that a walk went through.
func (k walk) covered() window {
	var w window
	n := len(k.edges)
	if n == 0 {
		if k.offset > 0 {
			w.newest = &point{second: -1}
		}
		return w
	}
	first, last := &k.edges[0].point, &k.edges[n-1].point
	if k.offset > 0 || k.backward() && !k.done {
		w.newest, w.hasNewest = first, true
	}
	if !k.backward() && !k.done {
		w.oldest, w.hasOldest = last, true
	}
	return w
}
