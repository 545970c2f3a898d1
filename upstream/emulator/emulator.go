package emulator

import (
	"net/http"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// Emulator answers as the documented call does. All of its methods may be used by many goroutines at once.
type Emulator struct {
	sw     Switches
	access access
	record recorder
	ties   shuffler

	onRequest  atomic.Pointer[func(Request)]
	onAnswered atomic.Pointer[func(Answer)]
	fault      atomic.Pointer[func(*http.Request) *Fault]

	mu       sync.RWMutex // guards what follows; an answer is computed under it
	logs     map[place]*log
	policies map[place]*policyState // by project and policy id
	seq      uint64                 // changes so far
	history  *[]Change
}

// place names a log.
type place struct{ project, group string }

// New returns an emulator without groups, tokens or faults.
func New(sw Switches) *Emulator {
	e := &Emulator{sw: sw, logs: map[place]*log{}, policies: map[place]*policyState{}, record: recorder{keep: remembered}}
	e.ties.seed(sw.Seed)
	return e
}

// AddGroup makes an empty log. A group that is there already is left as it is.
func (e *Emulator) AddGroup(project, group string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.group(project, group)
}

// group returns a log, made where there is none. The lock is held.
func (e *Emulator) group(project, group string) *log {
	at := place{project, group}
	l, ok := e.logs[at]
	if !ok {
		l = newLog(e.sw.Ties)
		l.info, l.created = Group{ID: group}.normal(), e.seq
		e.logs[at] = l
		e.changed(GroupAdded, at, Row{})
	}
	return l
}

// RemoveGroup deletes a group with its log and reports whether it was there. Calls for it answer 400 AS.2007 from now on.
func (e *Emulator) RemoveGroup(project, group string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := place{project, group}
	if _, ok := e.logs[at]; !ok {
		return false
	}
	delete(e.logs, at)
	e.removePolicies(at)
	e.changed(GroupRemoved, at, Row{})
	return true
}

// Insert adds rows with any start times; their places follow from those. A row whose id is there already takes that row's place, so
// that a test can change a row; one without an id gets one. A group that is not there is made.
func (e *Emulator) Insert(project, group string, rows ...Row) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, l := place{project, group}, e.group(project, group)
	entries := make([]*entry, len(rows))
	for i, r := range rows {
		if r.ID == "" {
			r.ID = DeriveID(project, group, e.seq)
		}
		entries[i] = newEntry(r)
		e.changed(Inserted, at, entries[i].row)
	}
	l.put(entries)
}

// Finish ends a row: it gets this status and end, and keeps its start and its place. It reports whether the row was there.
func (e *Emulator) Finish(project, group, id, status string, end time.Time) bool {
	return e.Update(project, group, id, func(r *Row) { r.Status, r.End = status, end })
}

// Update changes a row in place and reports whether it was there. The id stays; slices and maps of the row are replaced, not written to.
func (e *Emulator) Update(project, group, id string, change func(*Row)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := place{project, group}
	l, ok := e.logs[at]
	if !ok || l.byID[id] == nil {
		return false
	}
	r := l.byID[id].row
	change(&r)
	r.ID = id
	changed := newEntry(r)
	l.replace(changed)
	e.changed(Updated, at, changed.row)
	return true
}

// Remove takes a row out of the middle of a log and reports whether it was there.
func (e *Emulator) Remove(project, group, id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := place{project, group}
	l, ok := e.logs[at]
	if !ok || !l.remove(id) {
		return false
	}
	e.changed(Removed, at, Row{ID: id})
	return true
}

// Expire drops the n oldest rows, as retention does, and returns how many there were to drop.
func (e *Emulator) Expire(project, group string, n int) int {
	return e.expire(place{project, group}, func([]*entry) int { return n })
}

// ExpireBefore drops the rows that started before t and returns how many those were.
func (e *Emulator) ExpireBefore(project, group string, t time.Time) int {
	return e.expire(place{project, group}, func(all []*entry) int {
		return sort.Search(len(all), func(i int) bool { return !all[i].row.Start.Before(t) })
	})
}

// expire drops as many of the oldest rows as count says of all rows, oldest first.
func (e *Emulator) expire(at place, count func([]*entry) int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logs[at]
	if !ok {
		return 0
	}
	ids := l.oldest(count(l.rows(everything)))
	for _, id := range ids {
		l.remove(id)
		e.changed(Expired, at, Row{ID: id})
	}
	return len(ids)
}

// Indent lays the answers of a group out as the documents print their sample. The group must be there.
func (e *Emulator) Indent(project, group string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l, ok := e.logs[place{project, group}]; ok {
		l.pretty = true
	}
}

// Rows returns the record of a group in the order of answers (newest first); nil where there is no such group or row.
func (e *Emulator) Rows(project, group string) []Row { return e.Match(project, group, Filter{}) }

// Match returns the rows of a group that a filter lets through, in the order of answers. Inside one second TiesUnstable has no order;
// here the row inserted last comes first then.
func (e *Emulator) Match(project, group string, f Filter) []Row {
	e.mu.RLock()
	defer e.mu.RUnlock()
	l, ok := e.logs[place{project, group}]
	if !ok {
		return nil
	}
	return newestFirst(l.match(f, e.sw))
}

func newestFirst(entries []*entry) []Row {
	rows := make([]Row, len(entries))
	for i, e := range entries {
		rows[len(rows)-1-i] = e.row
	}
	return rows
}
