package block

import "time"

// State is the cached knowledge about a log as a whole. It is immutable; a newer one replaces it.
type State struct {
	Gen                uint64
	Total              int       // rows of the log
	Expired            int       // rows known to have expired since the generation began
	At                 time.Time // when total was read
	Seq                int       // orders states with the same time
	Confirmed          bool      // whether ranks are known to follow from total and expired
	AnchorLost         bool      // the newest rows were read and none of them was known
	UnchangedSince     time.Time // when total, expired and confirmed were first read with their current values
	ExpiredConfirmedAt time.Time // when the first rows of the generation were read; later reads do not change it
	Head               *Segment  // the newest rows, possibly older than at; nil if they were not read
}

// NewestRank returns the rank of the newest row.
func (st *State) NewestRank() int { return st.Total - 1 + st.Expired }

// Compatible reports whether a segment can be served with the offsets of the state.
func (st *State) Compatible(seg *Segment, settled bool) bool {
	switch {
	case seg == nil || seg.Gen != st.Gen:
		return false
	case !st.Confirmed && (seg.Total != st.Total || seg.At.Before(st.UnchangedSince)):
		return false
	case st.Confirmed && !seg.RankConfirmed && seg.Expired != st.Expired:
		return false
	case !settled && !seg.Immutable && seg.Total != st.Total:
		return false // rows may have been added below
	}
	return st.sameEnds(seg)
}

// rankKnown reports whether the rank of a segment of the state's generation is known: a row with a known rank confirmed it when it was located,
// or it was read no later than the first rows of the generation and no rows have expired since. A presumed rank is never confirmed later; the
// segment is read again.
func (st *State) rankKnown(seg *Segment) bool {
	return seg.RankConfirmed || seg.Expired == st.Expired && !seg.At.After(st.ExpiredConfirmedAt)
}

// sameEnds reports whether both ends of the log have the ranks that the segment's own read found, so that no page ends early and none
// contains rows that are known to have expired.
func (st *State) sameEnds(seg *Segment) bool {
	if len(seg.Rows) == 0 {
		return st.Total == 0
	}
	if seg.NewestRank > st.NewestRank() || seg.NewestRank == st.NewestRank() && !seg.AtHead {
		return false
	}
	return seg.OldestRank() >= st.Expired && seg.AtEnd == (seg.OldestRank() == st.Expired)
}

// HeadCurrent reports whether no later read has shown that rows were added above the head, or that other rows joined or left.
func (st *State) HeadCurrent(settled bool) bool {
	return st.Head != nil && st.Total == st.Head.Total && !(settled && st.NewestRank() != st.Head.NewestRank)
}

// NewerThan reports whether st is newer than other. Nil is older than any state.
func (st *State) NewerThan(other *State) bool {
	if st == nil || other == nil {
		return st != nil
	}
	return st.At.After(other.At) || st.At.Equal(other.At) && st.Seq > other.Seq
}

// WithHeadOf returns st; if it has no head, a copy of it with the head of an older state, if that belongs to the same generation. Redis may have a
// state before its head, because each is written by the call that read it.
func (st *State) WithHeadOf(older *State) *State {
	if st.Head != nil || older == nil || older.Head == nil || older.Gen != st.Gen {
		return st
	}
	next := *st
	next.Head = older.Head
	return &next
}

// NewestSecond returns the start of the newest known row, and false if there is none.
func (st *State) NewestSecond() (int64, bool) {
	if st == nil || st.Head == nil || len(st.Head.Rows) == 0 {
		return 0, false
	}
	return st.Head.second(0), true
}

// Version identifies a State without referencing it, which would keep its rows in memory.
type Version struct {
	gen uint64
	at  int64
	seq int
}

// Version returns the zero Version if st is nil.
func (st *State) Version() Version {
	if st == nil {
		return Version{}
	}
	return Version{st.Gen, st.At.UnixNano(), st.Seq}
}

// Finality states that all activities of a group that started before a certain second had ended at a certain time. It never becomes false.
type Finality struct {
	Before int64     // the second
	At     time.Time // when the running activities were read; zero if they were not
}
