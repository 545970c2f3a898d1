package changefeed

import (
	"slices"
	"time"

	"scalegraph/upstream"
)

// A snapshot holds the rows of a log that one poll has read. Its parts may have been read at different times, from asOf to readAt.
type snapshot struct {
	rows     []*upstream.Activity          // the newest rows, in the order of the log
	complete bool                          // the log has no other rows
	byID     map[string]*upstream.Activity // rows by log id
	running  map[string]*upstream.Activity // looked-up rows that are not among rows; nil for one that has left the log
	asOf     time.Time                     // when the oldest part was read; zero: nothing was
	readAt   time.Time                     // by when the last part had been read
	unread   int                           // rows among the newest ones that the upstream did not return, see readWindows
}

func newSnapshot() *snapshot {
	return &snapshot{byID: map[string]*upstream.Activity{}, running: map[string]*upstream.Activity{}}
}

// add appends rows that are not there yet.
func (s *snapshot) add(rows []*upstream.Activity) {
	for _, row := range rows {
		if row == nil || s.byID[row.LogID] != nil {
			continue
		}
		s.byID[row.LogID] = row
		s.rows = append(s.rows, row)
	}
}

// read records that a part of the snapshot was read from the upstream at a time, and is here now.
func (s *snapshot) read(asOf time.Time) {
	if s.asOf.IsZero() || asOf.Before(s.asOf) {
		s.asOf = asOf
	}
	s.readAt = time.Now()
}

// covers reports whether s has all rows from second floor on.
func (s *snapshot) covers(floor int64) bool {
	return s.complete || len(s.rows) > 0 && s.rows[len(s.rows)-1].StartTime.Unix() < floor
}

// updates reports whether s can be compared with p: all of it was read later than p, and it covers all rows that may be new to p. An
// older snapshot would yield changes that go back in time.
func (s *snapshot) updates(p *position) bool {
	return s.asOf.After(p.readAt) && s.covers(p.floor)
}

// find returns a row by its log id, or nil if it has left the log. It is false if the row was neither read nor looked up.
func (s *snapshot) find(id string) (*upstream.Activity, bool) {
	if row, ok := s.byID[id]; ok {
		return row, true
	}
	row, ok := s.running[id]
	return row, ok
}

// A step is one element of a subscription, and its position after it.
type step struct {
	kind upstream.ChangeKind
	row  *upstream.Activity // nil: the step is about the whole log
	err  error              // why the log, or a part of it, cannot be read
	pos  *position          // nil: the position stays
}

// diff returns the changes since p, those of known rows first and then the new rows, oldest first, and the position after
// all of them. A snapshot that does not update p has no changes.
func (s *snapshot) diff(p *position) ([]step, *position) {
	if !s.updates(p) {
		return nil, p
	}
	return s.changes(p)
}

func (s *snapshot) changes(before *position) ([]step, *position) {
	var steps []step
	p := before.readAgain(s.readAt)
	for _, r := range before.running {
		row, found := s.find(r.id)
		switch {
		case !found:
			continue
		case row == nil:
			p = p.withoutRow(r.id)
			continue
		case row.Status == upstream.StatusDoing && contentHash(row) == r.content:
			continue
		}
		p = p.withRow(row)
		steps = append(steps, step{kind: changeKind(row, upstream.ChangeUpdated), row: row, pos: p})
	}
	for _, row := range slices.Backward(s.rows) {
		if before.contains(row) {
			continue
		}
		p = p.withRow(row)
		steps = append(steps, step{kind: changeKind(row, upstream.ChangeStarted), row: row, pos: p})
	}
	if before.readAt.IsZero() {
		p = s.withRunning(p)
	}
	return steps, p
}

// changeKind is inProgress for a row in progress, and FINISHED for any other.
func changeKind(row *upstream.Activity, inProgress upstream.ChangeKind) upstream.ChangeKind {
	if row.Status == upstream.StatusDoing {
		return inProgress
	}
	return upstream.ChangeFinished
}

// position returns the position of a subscriber that knows all rows of s.
func (s *snapshot) position() *position {
	if len(s.rows) == 0 {
		return emptyPosition().readAgain(s.readAt)
	}
	floor := s.rows[0].StartTime.Unix() - lookback
	if !s.complete {
		floor = max(floor, s.rows[len(s.rows)-1].StartTime.Unix()+1)
	}
	return s.positionFrom(floor)
}

// positionFrom is position with a given floor, which s must cover.
func (s *snapshot) positionFrom(floor int64) *position {
	p := &position{floor: floor, readAt: s.readAt}
	for _, row := range slices.Backward(s.rows) {
		p = p.withRow(row)
	}
	if p.encoded == nil {
		p.compact()
	}
	return s.withRunning(p)
}

// withRunning adds the rows in progress that are older than the floor of p.
func (s *snapshot) withRunning(p *position) *position {
	for _, rows := range []map[string]*upstream.Activity{s.byID, s.running} {
		for _, row := range rows {
			if row != nil && row.Status == upstream.StatusDoing && row.StartTime.Unix() < p.floor {
				p = p.withRow(row)
			}
		}
	}
	return p
}
