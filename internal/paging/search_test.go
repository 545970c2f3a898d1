package paging_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// gaps are the seconds between a row and the next one, for logs whose rows come evenly or not at all so.
var gaps = map[string]func(*rand.Rand) int{
	"even":        func(*rand.Rand) int { return 60 },
	"exponential": func(r *rand.Rand) int { return int(r.ExpFloat64() * 600) },
	"clusters": func(r *rand.Rand) int { // some hundreds of rows a second or two apart, then a day or a month of nothing
		if r.IntN(300) == 0 {
			return 86400 * (1 + r.IntN(30))
		}
		return r.IntN(3)
	},
	"long silences": func(r *rand.Rand) int { return int(math.Exp(r.Float64() * 14)) },
	"ever slower":   nil, // see grow
	"ever faster":   nil,
}

// grow makes a log of n rows with such gaps between them.
func (b *bench) grow(kind string, n int) {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([]emulator.Row, n)
	start, ties := epoch, 0
	for i := range rows {
		var gap int
		switch kind {
		case "ever slower":
			gap = 1 + int(math.Exp(14*float64(i)/float64(n)))
		case "ever faster":
			gap = 1 + int(math.Exp(14*float64(n-i)/float64(n)))
		default:
			gap = gaps[kind](rng)
		}
		if ties++; gap > 0 || ties > 90 {
			ties = 0
			gap = max(1, gap)
		}
		start = start.Add(time.Duration(gap) * time.Second)
		rows[i] = emulator.Row{ID: emulator.ID(i), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start}
	}
	b.Insert(project, groupID, rows...)
	b.Next = n
}

// A place is found in 2 + log2(total/100) calls however the rows are spread, and in one more where the total is unknown too.
func TestSearchBound(t *testing.T) {
	if testing.Short() {
		t.Skip("searches logs of 100 000 rows")
	}
	const total = 100_000
	bound := 2 + int(math.Log2(total/upstream.MaxLimit))
	for kind := range gaps {
		t.Run(kind, func(t *testing.T) {
			b := newBench(t, 0, emulator.Switches{})
			b.grow(kind, total)
			s := search{bench: b, points: b.points(emulator.Filter{}), ids: b.record(emulator.Filter{})}
			if most := s.longest(false); most > bound+1 {
				t.Errorf("%d calls without any memory, want at most %d", most, bound+1)
			}
			if most := s.longest(true); most > bound {
				t.Errorf("%d calls where the total is known, want at most %d", most, bound)
			}
		})
	}
}

// A search resumes at places of a log that are not cached.
type search struct {
	*bench
	points []upstream.Point // the log in our order
	ids    []string
}

// longest returns how many calls the longest of some searches took.
func (s search) longest(totalKnown bool) int {
	most, sum, n := 0, 0, 0
	rng := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		at := rng.IntN(len(s.points))
		p := s.points[at]
		for _, back := range []bool{false, true} {
			s.forget()
			if totalKnown {
				s.count()
			}
			q, want := upstream.PageQuery{Count: 20, After: &p}, s.ids[at+1:min(len(s.ids), at+21)]
			if back {
				q, want = upstream.PageQuery{Count: 20, Before: &p, Last: true}, s.ids[max(0, at-20):at]
			}
			page, calls := s.ask(q)
			s.want(fmt.Sprint("at ", at), page, want)
			most, sum, n = max(most, calls), sum+calls, n+1
		}
	}
	s.Logf("total known: %v, %.1f calls on average, %d at most", totalKnown, float64(sum)/float64(n), most)
	return most
}

func (b *bench) count() {
	b.Helper()
	if _, err := b.pages.Count(b.Context(), upstream.CountQuery{Group: group}); err != nil {
		b.Fatal(err)
	}
}

// The place of a walk that began at the oldest row is found near that row, if nothing is remembered. Only a log whose newest rows come evenly
// and slower than all others misleads the search.
func TestSearchBackwardNearTheOldestRow(t *testing.T) {
	for kind := range gaps {
		if kind == "ever slower" {
			continue
		}
		b := newBench(t, 0, emulator.Switches{})
		b.grow(kind, 20_000)
		s := search{bench: b, points: b.points(emulator.Filter{}), ids: b.record(emulator.Filter{})}
		for at := len(s.points) - 80; at < len(s.points); at += 10 {
			s.forget()
			page, calls := s.ask(upstream.PageQuery{Count: 10, Before: &s.points[at], Last: true})
			s.want(fmt.Sprint(kind, " at ", at), page, s.ids[at-10:at])
			if calls > 4 {
				t.Errorf("%s at %d: %d calls, want at most 4", kind, at, calls)
			}
		}
	}
}

// No place is too far away to search for, whatever is remembered.
func TestSearchFarAway(t *testing.T) {
	for _, rows := range []int{0, 1, 250} {
		for _, second := range []int64{math.MinInt64 / 4, -62167219200, -1, 0, 1, epoch.Unix() - 1, 253402300799, math.MaxInt64 / 4} {
			b := newBench(t, rows, emulator.Switches{})
			want := b.record(emulator.Filter{})
			p := upstream.Point{Second: second, LogID: "x"}
			for _, known := range []bool{false, true} {
				fresh := func() {
					if b.forget(); known {
						b.count()
					}
				}
				fresh()
				older, _ := b.ask(upstream.PageQuery{After: &p, Count: 500})
				fresh()
				newer, _ := b.ask(upstream.PageQuery{Before: &p, Count: 500, Last: true})
				if got := append(ids(newer), ids(older)...); !slices.Equal(got, want) || len(newer.Rows) > 0 && len(older.Rows) > 0 {
					t.Errorf("%d rows, second %d: %v", rows, second, got)
				}
			}
		}
	}
}

// The same holds where so many rows came and went that memory leads astray.
func TestSearchBoundAfterExpiry(t *testing.T) {
	if testing.Short() {
		t.Skip("searches 18 logs of 20 000 rows")
	}
	const total = 20_000
	bound := 2 + int(math.Log2(total/upstream.MaxLimit))
	for kind := range gaps {
		for _, expired := range []int{50, 1000, 5000} {
			b := newBench(t, 0, emulator.Switches{})
			b.grow(kind, total)
			most := 0
			for _, at := range []int{6000, 9000, 12_000} {
				first, _ := b.ask(upstream.PageQuery{Skip: at, Count: 20})
				b.insertAtHead(expired)
				b.Expire(project, groupID, expired)
				all := b.record(emulator.Filter{})
				next := 1 + slices.Index(all, pointOf(first).LogID)
				page, calls := b.after(first, 20, upstream.Filter{})
				b.want(fmt.Sprint(kind, " at ", at), page, all[next:next+20])
				most = max(most, calls)
			}
			t.Logf("%s, %d expired: %d calls at most", kind, expired, most)
			if most > bound {
				t.Errorf("%s, %d expired: %d calls, want at most %d", kind, expired, most, bound)
			}
		}
	}
}

// insertAtHead adds n rows at the head, a second apart.
func (b *bench) insertAtHead(n int) {
	start := time.Unix(b.points(emulator.Filter{})[0].Second, 0)
	rows := make([]emulator.Row, n)
	for i := range rows {
		start = start.Add(time.Second)
		rows[i] = emulator.Row{ID: emulator.ID(b.Next), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start}
		b.Next++
	}
	b.Insert(project, groupID, rows...)
}
