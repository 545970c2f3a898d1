package emulator

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// ChangeKind says what happened to a log.
type ChangeKind uint8

// The kinds of changes.
const (
	GroupAdded ChangeKind = iota
	GroupRemoved
	Inserted // also where the row took another's place
	Updated  // also by Finish
	Removed
	Expired
)

// Change is one step in the life of a log.
type Change struct {
	Seq     uint64 // 1 for the first change of the emulator, and one more for each
	At      time.Time
	Kind    ChangeKind
	Project string
	Group   string
	Row     Row // the row as it was after the change; only its ID where it is gone
}

// Seq returns the number of the last change. An answer says for which number it was true, see Request.Seq.
func (e *Emulator) Seq() uint64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.seq
}

// KeepHistory starts to keep every change, so that At can tell how things stood at any number from now on. What is in the logs already
// becomes the first changes of the history, all with the present number.
func (e *Emulator) KeepHistory() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.history != nil {
		return
	}
	e.history = &[]Change{}
	for at, l := range e.logs {
		e.keep(GroupAdded, at, Row{})
		for _, entry := range l.rows(everything) {
			e.keep(Inserted, at, entry.row)
		}
	}
}

// History returns every change since KeepHistory, oldest first; nil before it.
func (e *Emulator) History() []Change {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.kept()
}

// kept returns the history so far. It is only ever appended to, so the slice may be read without the lock.
func (e *Emulator) kept() []Change {
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
		e.keep(kind, at, r)
	}
}

func (e *Emulator) keep(kind ChangeKind, at place, r Row) {
	*e.history = append(*e.history, Change{e.seq, time.Now(), kind, at.project, at.group, r})
}

// View is how the logs stood once.
type View struct {
	seq     uint64
	sw      Switches
	changes []Change
}

// At returns how the logs stood right after change number seq, which must not be older than KeepHistory.
func (e *Emulator) At(seq uint64) View {
	return View{seq, e.sw, e.History()}
}

// Rows returns the record of a group as Emulator.Rows would have then.
func (v View) Rows(project, group string) []Row { return v.Match(project, group, Filter{}) }

// Match returns what a filter let through, as Emulator.Match would have then.
func (v View) Match(project, group string, f Filter) []Row {
	l, ok := v.log(project, group)
	if !ok {
		return nil
	}
	return newestFirst(l.match(f, v.sw))
}

// log makes the log anew from its changes; false where the group was not there.
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
