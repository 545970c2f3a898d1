package emulator

import (
	"math"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The documented bounds of limit.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// activityQuery has the valid parameters of a call for an activity log.
type activityQuery struct {
	filter Filter
	offset int
	limit  int
	none   bool // an unknown type or status that matches nothing, see UnknownEmpty
}

// parameters reads the query. Unknown parameters are ignored, the first value of a repeated one is used, and an empty value is malformed.
func (e *Emulator) parameters(values url.Values) (activityQuery, *refusal) {
	var q activityQuery
	steps := []struct {
		name string
		read func(*activityQuery, string) *refusal
	}{
		{"start_time", readStart},
		{"end_time", readEnd},
		{"start_number", readOffset},
		{"limit", e.readActivityLimit},
		{"log_id", readLogID},
		{"type", e.readTypes},
		{"status", e.readStatus},
	}
	q.limit = DefaultLimit
	for _, s := range steps {
		if !values.Has(s.name) {
			continue
		}
		if no := s.read(&q, values.Get(s.name)); no != nil {
			return q, no
		}
	}
	return q, nil
}

func readStart(q *activityQuery, text string) *refusal {
	return readTime(&q.filter.Start, text, "AS.9001", "start_time")
}

func readEnd(q *activityQuery, text string) *refusal {
	return readTime(&q.filter.End, text, "AS.9002", "end_time")
}

// timeForm is stricter than time.Parse, which accepts fractions.
var timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)

func readTime(at *time.Time, text, code, name string) *refusal {
	t, err := time.Parse(timeLayout, text)
	if err != nil || !timeForm.MatchString(text) {
		return bad(code, "The format of "+name+" is not yyyy-MM-ddThh:mm:ssZ.")
	}
	*at = t
	return nil
}

func readOffset(q *activityQuery, text string) *refusal {
	n, ok := natural(text)
	if !ok {
		return bad("AS.9003", "The start_number is invalid.")
	}
	q.offset = n
	return nil
}

func (e *Emulator) readActivityLimit(q *activityQuery, text string) *refusal {
	n, ok := e.readLimit(text)
	if !ok {
		return bad("AS.9004", "The limit is invalid.")
	}
	q.limit = n
	return nil
}

// readLimit reads a limit; false if it is invalid.
func (e *Emulator) readLimit(text string) (int, bool) {
	n, ok := natural(text)
	switch {
	case !ok || n > MaxLimit || n == 0 && e.sw.LimitZero == LimitZeroRefused:
		return 0, false
	case n == 0 && e.sw.LimitZero == LimitZeroDefault:
		return DefaultLimit, true
	}
	return n, true
}

// natural parses a text of digits only. The result must fit into the 32 bits of the SDKs.
func natural(text string) (int, bool) {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > math.MaxInt32 {
		return 0, false
	}
	return int(n), true
}

var idForm = regexp.MustCompile(`^[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}$`)

func readLogID(q *activityQuery, text string) *refusal {
	if !idForm.MatchString(text) {
		return bad("AS.9005", "The log_id is invalid.")
	}
	q.filter.LogID = text
	return nil
}

// readTypes reads one or several types. An empty one is malformed with any value of Switches.UnknownFilter.
func (e *Emulator) readTypes(q *activityQuery, text string) *refusal {
	for _, kind := range strings.Split(text, ",") {
		plain, ok := e.filterType(kind)
		switch {
		case ok:
			q.filter.Types = append(q.filter.Types, plain)
		case kind == "" || e.sw.UnknownFilter == UnknownRefused:
			return bad("AS.9012", "The type is invalid.")
		}
	}
	q.none = q.none || len(q.filter.Types) == 0
	return nil
}

// filterType returns the documented spelling of a type that is spelled as Switches.FilterSpelling requires.
func (e *Emulator) filterType(kind string) (string, bool) {
	switch {
	case e.sw.FilterSpelling == FilterManual && kind != oneN(kind):
		return "", false
	case e.sw.FilterSpelling == FilterMannual && kind != twoN(kind):
		return "", false
	}
	return twoN(kind), slices.Contains(Types(), twoN(kind))
}

func (e *Emulator) readStatus(q *activityQuery, text string) *refusal {
	switch {
	case slices.Contains(Statuses(), text):
		q.filter.Status = text
	case text == "" || e.sw.UnknownFilter == UnknownRefused:
		return bad("AS.9013", "The status is invalid.")
	default:
		q.none = true
	}
	return nil
}

// Filter selects rows. The zero Filter selects all.
type Filter struct {
	Start  time.Time // zero: no bound
	End    time.Time // zero: no bound
	Types  []string  // any of these, in the documented spelling; empty: all
	Status string    // empty: all
	LogID  string    // empty: all
}

// match returns the entries that match f, oldest first. Callers must not change the slice.
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

// narrow returns the range of rows within the bounds that test the start. It is contiguous because rows are sorted by their start.
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

// testsEnds reports whether a bound of f tests the end of rows.
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

// passes reports whether r matches f.
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

// within reports whether a time of a row is within a bound. The time is zero if the row is in progress.
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
