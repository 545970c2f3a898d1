// Package block contains the data of the activity log's cache and the arithmetic on it, without any I/O.
//
// A Segment contains the rows of one upstream call with their ranks, which are counted from the oldest end of the log (segment.go). A State
// describes the log as a whole (state.go). Read.Locate finds the ranks of fetched rows (locate.go). Blocks are the aligned segments that
// are cached (this file).
package block

import "scalegraph/upstream"

// ID identifies a segment of a log: an aligned block by its number, which is at least 0, or the head. The other negative IDs stand for
// calls that fill no segment.
type ID int

// IDs that are not numbers of blocks.
const (
	Head        ID = -1 // the newest rows
	Running     ID = -2 // the read of running activities
	AccessCheck ID = -3 // the call that decides about a credential's access
	PassThrough ID = -4 // a query passed through as it is
)

// Blocks are aligned to the oldest end of the log, so that they contain the same rows while the head grows. Even blocks begin 2*HalfStride
// ranks apart and share overlap rows with the next one. Blocks are read a little higher or lower if these rows start in one second. Odd
// blocks cover the boundaries between even ones that were not moved, and are read only if all shared rows start in one second.
const (
	Rows       = upstream.MaxLimit // of a block
	overlap    = 4                 // rows
	HalfStride = (Rows - overlap) / 2

	// A segment counts as a block although it begins and ends up to Slack ranks higher or MaxShiftDown ranks lower: together less than
	// HalfStride, so that its ranks determine its block. Blocks are read at most MaxShiftUp ranks higher, which leaves room for MaxGrowth
	// rows that are added meanwhile.
	Slack        = HalfStride - 1 - MaxShiftDown
	MaxShiftUp   = Slack - MaxGrowth
	MaxShiftDown = 8
	MaxGrowth    = 8
)

// Of returns the block that a segment was read for.
func Of(seg *Segment) ID { return ID((seg.NewestRank - Rows + 1 + MaxShiftDown) / HalfStride) }

// OldestRank returns the rank of the oldest row of a block.
func (id ID) OldestRank() int { return int(id) * HalfStride }

// NewestRank returns the rank of the newest row of a block, once the log has that many rows.
func (id ID) NewestRank() int { return id.OldestRank() + Rows - 1 }

// LowestWith returns the lowest block that may contain a rank.
func LowestWith(rank int) ID { return ID(max(0, (rank-Rows+1)/HalfStride)) }

// With returns the even block that contains a rank, and the rows around it.
func With(rank int) ID { return ID(max(0, rank) / (2 * HalfStride) * 2) }

// Covering returns the even blocks that cover the ranks from hi down to lo, newest first.
func Covering(hi, lo int) []ID {
	last := ID(lo / (2 * HalfStride) * 2)
	first := last
	for first.NewestRank() < hi {
		first += 2
	}
	var ids []ID
	for id := first; id >= last; id -= 2 {
		ids = append(ids, id)
	}
	return ids
}
