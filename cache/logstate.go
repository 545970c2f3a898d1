package cache

import "time"

// logState is the cached knowledge about a log as a whole. It is immutable; a newer one replaces it.
type logState struct {
	gen                uint64
	total              int       // rows of the log
	expired            int       // rows known to have expired since the generation began
	at                 time.Time // when total was read
	seq                int       // orders states with the same time
	confirmed          bool      // whether ranks are known to follow from total and expired
	anchorLost         bool      // the newest rows were read and none of them was known
	unchangedSince     time.Time // when total, expired and confirmed were first read with their current values
	expiredConfirmedAt time.Time // when a row with a known rank last confirmed expired
	head               *segment  // the newest rows, possibly older than at; nil if they were not read
}

// newestRank returns the rank of the newest row.
func (st *logState) newestRank() int { return st.total - 1 + st.expired }

// compatible reports whether a segment can be served with the offsets of the state.
func (st *logState) compatible(seg *segment, settled bool) bool {
	switch {
	case seg == nil || seg.gen != st.gen:
		return false
	case !st.confirmed && (seg.total != st.total || seg.at.Before(st.unchangedSince)):
		return false
	case st.confirmed && !seg.rankConfirmed && seg.expired != st.expired:
		return false
	case !settled && !seg.immutable && seg.total != st.total:
		return false // rows may have been added below
	}
	return st.sameEnds(seg)
}

// rankKnown reports whether the rank of a segment of the state's generation is known: it was read together with known rows, or no more
// rows have expired than was presumed at that time.
func (st *logState) rankKnown(seg *segment) bool {
	return seg.rankConfirmed || seg.expired == st.expired && !seg.at.After(st.expiredConfirmedAt)
}

// sameEnds reports whether the ends of the log are where the segment's own read found them, so that no page ends early and none contains
// rows that are known to have expired.
func (st *logState) sameEnds(seg *segment) bool {
	if len(seg.rows) == 0 {
		return st.total == 0
	}
	if seg.newestRank > st.newestRank() || seg.newestRank == st.newestRank() && !seg.atHead {
		return false
	}
	return seg.oldestRank() >= st.expired && seg.atEnd == (seg.oldestRank() == st.expired)
}

// newerThan reports whether st is newer than other. Nil is older than any state.
func (st *logState) newerThan(other *logState) bool {
	if st == nil || other == nil {
		return st != nil
	}
	return st.at.After(other.at) || st.at.Equal(other.at) && st.seq > other.seq
}

// newestSecond returns the start of the newest known row, and false if there is none.
func (st *logState) newestSecond() (int64, bool) {
	if st == nil || st.head == nil || len(st.head.rows) == 0 {
		return 0, false
	}
	return st.head.second(0), true
}

// stateVersion identifies a logState without referencing it, which would keep its rows in memory.
type stateVersion struct {
	gen uint64
	at  int64
	seq int
}

// version returns the zero stateVersion if st is nil.
func (st *logState) version() stateVersion {
	if st == nil {
		return stateVersion{}
	}
	return stateVersion{st.gen, st.at.UnixNano(), st.seq}
}

// finality is when all activities of a group had ended that started before a second. It stays true however old it is.
type finality struct {
	before int64     // the second
	at     time.Time // when the running activities were read; zero if they were not
}
