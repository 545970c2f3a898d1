package emulator

import (
	"slices"
	"sort"
	"time"
)

// Filter is what a query asks for besides a page. The zero Filter lets everything through.
type Filter struct {
	Start  time.Time // zero: no bound
	End    time.Time // zero: no bound
	Types  []string  // any of these, in the document's spelling; empty: all
	Status string    // empty: all
	LogID  string    // empty: all
}

// match returns the entries that f lets through, oldest first. The slice may be a series' own.
func (l *log) match(f Filter, sw Switches) []*entry {
	if f.LogID != "" {
		return l.one(f, sw)
	}
	types := slices.Compact(slices.Sorted(slices.Values(f.Types)))
	c := everything
	if f.Status != "" {
		c.status = f.Status
	}
	if len(types) == 1 {
		c.kind, types = types[0], nil
	}
	f.Types = types
	rows := narrow(l.rows(c), f, sw)
	if len(types) == 0 && !testsEnds(f, sw) {
		return rows
	}
	return scan(rows, f, sw)
}

func (l *log) one(f Filter, sw Switches) []*entry {
	e, ok := l.byID[f.LogID]
	if !ok || !f.passes(&e.row, sw) {
		return nil
	}
	return []*entry{e}
}

// narrow cuts off what the bounds that test starts keep out; the rest is one stretch, because rows are ordered by their start.
func narrow(rows []*entry, f Filter, sw Switches) []*entry {
	if sw.Window == WindowEnd {
		return rows
	}
	if !f.Start.IsZero() {
		from := sort.Search(len(rows), func(i int) bool { return notBefore(rows[i].second, f.Start.Unix(), sw) })
		rows = rows[from:]
	}
	if !f.End.IsZero() && sw.Window == WindowStart {
		to := sort.Search(len(rows), func(i int) bool { return !notAfter(rows[i].second, f.End.Unix(), sw) })
		rows = rows[:to]
	}
	return rows
}

func scan(rows []*entry, f Filter, sw Switches) []*entry {
	var out []*entry
	for _, e := range rows {
		if f.passes(&e.row, sw) {
			out = append(out, e)
		}
	}
	return out
}

// testsEnds reports whether a bound of f tests when rows ended.
func testsEnds(f Filter, sw Switches) bool {
	switch sw.Window {
	case WindowStart:
		return false
	case WindowEnd:
		return !f.Start.IsZero() || !f.End.IsZero()
	default:
		return !f.End.IsZero()
	}
}

// passes reports whether f lets r through.
func (f Filter) passes(r *Row, sw Switches) bool {
	switch {
	case f.LogID != "" && f.LogID != r.ID,
		f.Status != "" && f.Status != r.Status,
		len(f.Types) > 0 && !slices.Contains(f.Types, r.Type):
		return false
	}
	start, end := r.Start, r.End
	switch sw.Window {
	case WindowStart:
		end = r.Start
	case WindowEnd:
		start = r.End
	}
	return within(start, f.Start, sw, notBefore) && within(end, f.End, sw, notAfter)
}

// within reports whether a time of a row, which has none where it still runs, is on the right side of a bound.
func within(at, bound time.Time, sw Switches, holds func(second, bound int64, sw Switches) bool) bool {
	switch {
	case bound.IsZero():
		return true
	case at.IsZero():
		return sw.DoingInWindow == DoingIn
	}
	return holds(at.Unix(), bound.Unix(), sw)
}

func notBefore(second, bound int64, sw Switches) bool {
	if sw.Bounds == BoundsExclusive {
		return second > bound
	}
	return second >= bound
}

func notAfter(second, bound int64, sw Switches) bool {
	if sw.Bounds == BoundsInclusive {
		return second <= bound
	}
	return second < bound
}
