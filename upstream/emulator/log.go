package emulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// entry is a row of a log. It is immutable once it is in a log; a changed row is a new entry.
type entry struct {
	row    Row
	second int64  // of the start
	seq    uint64 // the order of insertion; a replacement has the number of the replaced row
	json   atomic.Pointer[[]byte]
}

func newEntry(r Row) *entry {
	r = normal(r)
	return &entry{row: r, second: r.Start.Unix()}
}

// encoded returns the row as JSON and caches it.
func (e *entry) encoded(sw Switches) []byte {
	if cached := e.json.Load(); cached != nil {
		return *cached
	}
	encoded := encodeRow(e.row, sw)
	e.json.Store(&encoded)
	return encoded
}

// class selects the rows of one type and one status.
type class struct{ kind, status string }

// every selects all types or all statuses. It cannot be empty, because a row may have an empty type or status.
const every = "*"

var everything = class{every, every}

// log is the activity log of one group. There is a series for every class, so that a page with a filter by type or status costs no more than
// one without.
type log struct {
	ties   Ties
	byID   map[string]*entry
	series map[class]*series
	seq    uint64 // rows inserted so far
	pretty bool   // responses are formatted like the sample in the documents

	info    Group
	members []Member
	created uint64 // the number of the change that created the group
}

func newLog(ties Ties) *log {
	return &log{ties: ties, byID: map[string]*entry{}, series: map[class]*series{}}
}

// put adds entries. An entry with an existing id replaces that entry. Ids must not be empty.
func (l *log) put(entries []*entry) {
	fresh := make([]*entry, 0, len(entries))
	for _, e := range entries {
		if _, exists := l.byID[e.row.ID]; exists {
			l.file(fresh) // the existing one may be among them
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

// remove deletes a row and reports whether it existed.
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

// file adds entries to the series of their classes.
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

// compare sorts entries from the oldest to the newest, the reverse of the order in responses.
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

// sortAbove is the batch size above which a series is sorted as a whole instead of inserting each entry.
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
	case i == 0: // expiry: move no rows
		s.rows[0] = nil
		s.rows = s.rows[1:]
	default:
		s.rows = slices.Delete(s.rows, i, i+1)
	}
}

// ChangeKind is the kind of a change of a log.
type ChangeKind uint8

// The kinds of changes.
const (
	GroupAdded ChangeKind = iota
	GroupRemoved
	Inserted // also if the row replaced another
	Updated  // also by Finish
	Removed
	Expired
)

// Change is one change of a log.
type Change struct {
	Seq     uint64 // 1 for the first change of the emulator, then ascending by one
	At      time.Time
	Kind    ChangeKind
	Project string
	Group   string
	Row     Row // the row after the change; only its ID if it was deleted
}

// Seq returns the number of the last change. Request.Seq is the number from which a response was computed.
func (e *Emulator) Seq() uint64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.seq
}

// KeepHistory starts to record every change, so that At can return the state at any later number. The existing rows become the first changes
// of the history, all with the current number.
func (e *Emulator) KeepHistory() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.history != nil {
		return
	}
	e.history = &[]Change{}
	for at, l := range e.logs {
		e.recordChange(GroupAdded, at, Row{})
		for _, entry := range l.rows(everything) {
			e.recordChange(Inserted, at, entry.row)
		}
	}
}

// History returns every change since KeepHistory, oldest first; nil before it.
func (e *Emulator) History() []Change {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.recorded()
}

// recorded returns the history so far. It is append-only, so the slice may be read without the lock.
func (e *Emulator) recorded() []Change {
	if e.history == nil {
		return nil
	}
	h := *e.history
	return h[:len(h):len(h)]
}

// changed counts a change. The lock is held.
func (e *Emulator) changed(kind ChangeKind, at place, r Row) {
	e.seq++
	if e.history != nil {
		e.recordChange(kind, at, r)
	}
}

func (e *Emulator) recordChange(kind ChangeKind, at place, r Row) {
	*e.history = append(*e.history, Change{e.seq, time.Now(), kind, at.project, at.group, r})
}

// View is the state of the logs at one time.
type View struct {
	seq     uint64
	sw      Switches
	changes []Change
}

// At returns the state right after change number seq, which must not be older than KeepHistory.
func (e *Emulator) At(seq uint64) View {
	return View{seq, e.sw, e.History()}
}

// Rows returns the rows of a group like Emulator.Rows.
func (v View) Rows(project, group string) []Row { return v.Match(project, group, Filter{}) }

// Match returns the rows of a group that match a filter like Emulator.Match.
func (v View) Match(project, group string, f Filter) []Row {
	l, ok := v.log(project, group)
	if !ok {
		return nil
	}
	return newestFirst(l.match(f, v.sw))
}

// log rebuilds a log from its changes; false if the group did not exist.
func (v View) log(project, group string) (*log, bool) {
	var l *log
	for _, c := range v.changes {
		if c.Seq > v.seq {
			break
		}
		if c.Project == project && c.Group == group {
			l = c.apply(l, v.sw)
		}
	}
	return l, l != nil
}

func (c Change) apply(l *log, sw Switches) *log {
	switch c.Kind {
	case GroupAdded:
		return newLog(sw.Ties)
	case GroupRemoved:
		return nil
	case Inserted, Updated:
		l.put([]*entry{newEntry(c.Row)})
	case Removed, Expired:
		l.remove(c.Row.ID)
	}
	return l
}

// DeriveID returns an id that looks like a UUID and follows from a project, a name and a number. A row that is inserted without an id gets
// the one of its project and group and of the number of changes so far.
func DeriveID(project, name string, n uint64) string {
	h := sha256.New()
	h.Write([]byte(project + "/" + name))
	h.Write(binary.BigEndian.AppendUint64(nil, n))
	s := h.Sum(nil)
	return fmt.Sprintf("%x-%x-%x-%x-%x", s[0:4], s[4:6], s[6:8], s[8:10], s[10:16])
}
