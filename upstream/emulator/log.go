package emulator

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
)

// entry is a row in its place. Once it is in a log it never changes; a changed row is another entry.
type entry struct {
	row    Row
	second int64  // of the start
	seq    uint64 // the order of insertion; a row that replaces another keeps its number
	json   atomic.Pointer[[]byte]
}

func newEntry(r Row) *entry {
	r = normal(r)
	return &entry{row: r, second: r.Start.Unix()}
}

// encoded returns the row as JSON, made when it is first asked for.
func (e *entry) encoded(sw Switches) []byte {
	if kept := e.json.Load(); kept != nil {
		return *kept
	}
	made := encodeRow(e.row, sw)
	e.json.Store(&made)
	return made
}

// class names the rows of one type and one status.
type class struct{ kind, status string }

// every stands for all types or all statuses; a row may well have neither.
const every = "*"

var everything = class{every, every}

// log is the record of one group. Every class has a series of its own, so that a page or a count under a type or a status costs no
// more than one under none.
type log struct {
	ties   Ties
	byID   map[string]*entry
	series map[class]*series
	seq    uint64 // rows inserted so far
	pretty bool   // answers are laid out as the documents print them

	info    Group
	members []Member
	created uint64 // the number of the change that made the group
}

func newLog(ties Ties) *log {
	return &log{ties: ties, byID: map[string]*entry{}, series: map[class]*series{}}
}

// put adds entries; one whose id is there already takes that one's place. Ids are not empty.
func (l *log) put(entries []*entry) {
	fresh := make([]*entry, 0, len(entries))
	for _, e := range entries {
		if _, again := l.byID[e.row.ID]; again {
			l.file(fresh) // the earlier one may be of the same call
			fresh = fresh[:0]
			l.replace(e)
			continue
		}
		l.seq++
		e.seq = l.seq
		l.byID[e.row.ID] = e
		fresh = append(fresh, e)
	}
	l.file(fresh)
}

func (l *log) replace(e *entry) {
	e.seq = l.byID[e.row.ID].seq
	l.remove(e.row.ID)
	l.byID[e.row.ID] = e
	l.file([]*entry{e})
}

// remove takes a row out and tells whether it was there.
func (l *log) remove(id string) bool {
	e, ok := l.byID[id]
	if !ok {
		return false
	}
	delete(l.byID, id)
	for _, c := range classes(e) {
		l.of(c).remove(e, l.compare)
	}
	return true
}

// file places entries in the series of their classes.
func (l *log) file(entries []*entry) {
	if len(entries) == 1 {
		for _, c := range classes(entries[0]) {
			l.of(c).add(entries, l.compare)
		}
		return
	}
	parts := map[class][]*entry{}
	for _, e := range entries {
		for _, c := range classes(e) {
			parts[c] = append(parts[c], e)
		}
	}
	for c, part := range parts {
		l.of(c).add(part, l.compare)
	}
}

func (l *log) of(c class) *series {
	s, ok := l.series[c]
	if !ok {
		s = &series{}
		l.series[c] = s
	}
	return s
}

// rows returns the entries of a class, oldest first. The slice is the series' own.
func (l *log) rows(c class) []*entry {
	if s, ok := l.series[c]; ok {
		return s.rows
	}
	return nil
}

// oldest returns the ids of the n oldest rows.
func (l *log) oldest(n int) []string {
	all := l.rows(everything)
	n = min(max(n, 0), len(all))
	ids := make([]string, n)
	for i := range ids {
		ids[i] = all[i].row.ID
	}
	return ids
}

func classes(e *entry) []class {
	return []class{everything, {e.row.Type, every}, {every, e.row.Status}, {e.row.Type, e.row.Status}}
}

// compare orders entries from the oldest to the newest, that is against the order of answers.
func (l *log) compare(a, b *entry) int {
	if c := cmp.Compare(a.second, b.second); c != 0 {
		return c
	}
	switch l.ties {
	case TiesOldestFirst:
		return cmp.Compare(b.seq, a.seq)
	case TiesByID:
		return strings.Compare(b.row.ID, a.row.ID)
	default:
		return cmp.Compare(a.seq, b.seq)
	}
}

// series is an ordered list of entries, oldest first, so that the newest are appended.
type series struct{ rows []*entry }

// sortAbove is how many entries are sorted in together where they do not belong at the end.
const sortAbove = 8

func (s *series) add(batch []*entry, compare func(a, b *entry) int) {
	if !slices.IsSortedFunc(batch, compare) {
		slices.SortFunc(batch, compare)
	}
	switch {
	case len(batch) == 0:
	case len(s.rows) == 0 || compare(s.rows[len(s.rows)-1], batch[0]) < 0:
		s.rows = append(s.rows, batch...)
	case len(batch) > sortAbove:
		s.rows = append(s.rows, batch...)
		slices.SortFunc(s.rows, compare)
	default:
		for _, e := range batch {
			i, _ := slices.BinarySearchFunc(s.rows, e, compare)
			s.rows = slices.Insert(s.rows, i, e)
		}
	}
}

func (s *series) remove(e *entry, compare func(a, b *entry) int) {
	i, ok := slices.BinarySearchFunc(s.rows, e, compare)
	switch {
	case !ok:
	case i == 0: // expiry: no row has to move
		s.rows[0] = nil
		s.rows = s.rows[1:]
	default:
		s.rows = slices.Delete(s.rows, i, i+1)
	}
}
