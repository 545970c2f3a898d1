package emulator

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// page is the answer to a call, its rows encoded.
type page struct {
	rows          [][]byte
	total         int
	offset, limit int
}

// listActivities answers the call for an activity log.
func (e *Emulator) listActivities(t target, g grant, values url.Values, req *Request) ([]byte, *refusal) {
	q, no := e.parameters(values)
	if no != nil {
		return nil, no
	}
	e.record.update(func() { req.Offset, req.Limit = q.offset, q.limit })
	e.mu.RLock()
	defer e.mu.RUnlock()
	l, no := e.visible(t, g)
	if no != nil {
		return nil, no
	}
	var all []*entry
	if !q.none {
		all = l.match(q.filter, e.sw)
	}
	entries := e.window(all, q)
	p := page{total: len(all), offset: q.offset, limit: q.limit}
	for _, entry := range entries {
		p.rows = append(p.rows, entry.encoded(e.sw))
	}
	ids := func() []string {
		list := make([]string, len(entries))
		for i, entry := range entries {
			list[i] = entry.row.ID
		}
		return list
	}
	e.answered(req, len(all), ids)
	if l.pretty {
		return indent(encodePage(p)), nil
	}
	return encodePage(p), nil
}

// visible returns the log of a group that exists and that the grant covers. The lock is held.
func (e *Emulator) visible(t target, g grant) (*log, *refusal) {
	l, ok := e.logs[t.place]
	switch {
	case !ok:
		return nil, e.unknownGroup(t.call)
	case e.sw.HiddenGroup == HiddenServed || g.sees(l.info):
		return l, nil
	case e.sw.HiddenGroup == HiddenUnknown:
		return nil, e.unknownGroup(t.call)
	}
	return nil, refuse(http.StatusForbidden, "AS.0011", "The user has no role in the enterprise project of the scaling group.")
}

func (e *Emulator) unknownGroup(c Call) *refusal {
	if c == Instances && e.sw.UnknownGroup == UnknownGroup4005 {
		return bad("AS.4005", "The scaling group does not exist.")
	}
	return bad("AS.2007", "The scaling group does not exist.")
}

// answered records what a response was computed from; ids is called only if somebody asks for them. The lock is held.
func (e *Emulator) answered(req *Request, total int, ids func() []string) {
	seq := e.seq
	e.record.update(func() { req.Seq, req.Total = seq, total })
	h := e.onAnswered.Load()
	if h == nil || *h == nil {
		return
	}
	(*h)(Answer{Request: *req, IDs: ids()})
}

// window cuts a page out of what matched (oldest first) and turns it newest first.
func (e *Emulator) window(all []*entry, q ask) []*entry {
	to := max(len(all)-q.offset, 0)
	from := max(to-q.limit, 0)
	if from == to {
		return nil
	}
	var out []*entry
	if e.sw.Ties == TiesUnstable {
		out = e.ties.window(all, from, to)
	} else {
		out = slices.Clone(all[from:to])
	}
	slices.Reverse(out)
	return out
}

// shuffler gives the rows of one second another order every time.
type shuffler struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (s *shuffler) seed(n uint64) { s.rng = rand.New(rand.NewPCG(n, n)) }

// window returns all[from:to] after the rows of each second that it touches were shuffled.
func (s *shuffler) window(all []*entry, from, to int) []*entry {
	lo, hi := from, to
	for lo > 0 && all[lo-1].second == all[from].second {
		lo--
	}
	for hi < len(all) && all[hi].second == all[to-1].second {
		hi++
	}
	out := slices.Clone(all[lo:hi])
	for start := 0; start < len(out); {
		end := start + 1
		for end < len(out) && out[end].second == out[start].second {
			end++
		}
		s.shuffle(out[start:end])
		start = end
	}
	return out[from-lo : to-lo]
}

func (s *shuffler) shuffle(run []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rng.Shuffle(len(run), func(i, j int) { run[i], run[j] = run[j], run[i] })
}

func (s *shuffler) shuffleAll(n int, swap func(i, j int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rng.Shuffle(n, swap)
}
