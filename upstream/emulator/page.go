package emulator

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// page is the answer to a call, its rows encoded.
type page struct {
	rows          [][]byte
	total         int
	offset, limit int
	pretty        bool
}

// page computes the answer to a well-formed call, at one moment in the life of the log.
func (e *Emulator) page(q ask, req *Request) (page, *refusal) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	l, ok := e.logs[q.place]
	if !ok {
		return page{}, bad("AS.2007", "The scaling group does not exist.")
	}
	var all []*entry
	if !q.none {
		all = l.match(q.filter, e.sw)
	}
	entries := e.window(all, q)
	p := page{total: len(all), offset: q.offset, limit: q.limit, pretty: l.pretty}
	for _, entry := range entries {
		p.rows = append(p.rows, entry.encoded(e.sw))
	}
	e.answered(req, len(all), entries)
	return p, nil
}

// answered records what the page was computed from. The lock is held.
func (e *Emulator) answered(req *Request, total int, entries []*entry) {
	seq := e.seq
	e.record.update(func() { req.Seq, req.Total = seq, total })
	h := e.onAnswered.Load()
	if h == nil || *h == nil {
		return
	}
	a := Answer{Request: *req, IDs: make([]string, len(entries))}
	for i, entry := range entries {
		a.IDs[i] = entry.row.ID
	}
	(*h)(a)
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
