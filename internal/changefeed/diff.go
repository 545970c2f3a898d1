package changefeed

import (
	"slices"

	"scalegraph/upstream"
)

// A snapshot is what was read of a log to bring positions up to date.
type snapshot struct {
	rows []*upstream.Activity          // the newest, in the order of the log
	all  bool                          // the log has no others
	byID map[string]*upstream.Activity // rows by their log ids
	runs map[string]*upstream.Activity // running rows of positions that are not among rows; nil for one that has left the log
}

func newSnapshot() *snapshot {
	return &snapshot{byID: map[string]*upstream.Activity{}, runs: map[string]*upstream.Activity{}}
}

func (s *snapshot) add(rows []*upstream.Activity) {
	s.rows = append(s.rows, rows...)
	for _, row := range rows {
		s.byID[row.LogID] = row
	}
}

// covers reports whether all rows from second floor on are among those of s.
func (s *snapshot) covers(floor int64) bool {
	return s.all || len(s.rows) > 0 && s.rows[len(s.rows)-1].StartTime.Unix() < floor
}

// find returns a row by its log id; false where s does not tell about it.
func (s *snapshot) find(id string) (*upstream.Activity, bool) {
	if row, ok := s.byID[id]; ok {
		return row, true
	}
	row, ok := s.runs[id]
	return row, ok
}

// A step is a change, and the position after it.
type step struct {
	kind upstream.ChangeKind
	row  *upstream.Activity
	pos  *position
}

// since returns what changed since a position, the changes of known rows first and then the new rows, oldest first, and the
// position after all of it. The snapshot must cover the position's floor.
func (s *snapshot) since(p *position) ([]step, *position) {
	var steps []step
	for _, r := range p.running {
		row, told := s.find(r.id)
		switch {
		case !told:
			continue
		case row == nil:
			p = p.without(r.id)
			continue
		case row.Status == upstream.StatusDoing && content(row) == r.content:
			continue
		}
		p = p.with(row)
		steps = append(steps, step{kindOf(row, upstream.ChangeUpdated), row, p})
	}
	for _, row := range slices.Backward(s.rows) {
		if p.knows(row) {
			continue
		}
		p = p.with(row)
		steps = append(steps, step{kindOf(row, upstream.ChangeStarted), row, p})
	}
	return steps, p
}

// kindOf is running for a row under way, and FINISHED for any other.
func kindOf(row *upstream.Activity, running upstream.ChangeKind) upstream.ChangeKind {
	if row.Status == upstream.StatusDoing {
		return running
	}
	return upstream.ChangeFinished
}

// position returns the position of somebody who knows all that s tells.
func (s *snapshot) position() *position {
	p := nothing()
	if len(s.rows) == 0 {
		return p
	}
	p = &position{floor: s.rows[0].StartTime.Unix() - lookback}
	if !s.all {
		p.floor = max(p.floor, s.rows[len(s.rows)-1].StartTime.Unix()+1)
	}
	for _, row := range slices.Backward(s.rows) {
		p = p.with(row)
	}
	for _, row := range s.runs {
		if row != nil && row.Status == upstream.StatusDoing && row.StartTime.Unix() < p.floor {
			p = p.with(row)
		}
	}
	return p
}
