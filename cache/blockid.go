package cache

import "scalegraph/upstream"

// blockID identifies a segment of a log: the head, or an aligned block by its number, see block.go.
type blockID int

const (
	headID        blockID = -1 // the newest rows
	runningID     blockID = -2 // no segment: the read of running activities, see finality.go
	accessCheckID blockID = -3 // no segment: the call that decides about a credential's access
	passThroughID blockID = -4 // no segment: a query passed through as it is
)

// Blocks are aligned to the oldest end of the log, so that they contain the same rows while the head grows. Even blocks begin 2*halfStride
// ranks apart and share overlap rows with the next one. So a few rows that share a second, or that were added while a block was read, do
// not cost another call. Odd blocks cover the boundaries between even ones and are read only if all shared rows start in one second.
const (
	blockRows  = upstream.MaxLimit
	overlap    = 6
	halfStride = (blockRows - overlap) / 2

	// Rows that are added while a block is read move it up. It still counts as that block if there are at most this many.
	slack = halfStride - 1
)

// oldestRank and newestRank return the ranks of the oldest and the newest row of a block.
func (id blockID) oldestRank() int { return int(id) * halfStride }
func (id blockID) newestRank() int { return id.oldestRank() + blockRows - 1 }

// lowestBlockWith returns the lowest block that may contain a rank.
func lowestBlockWith(place int) blockID { return blockID(max(0, (place-blockRows+1)/halfStride)) }

// blocksCovering returns the even blocks that cover the ranks from hi down to lo, newest first.
func blocksCovering(hi, lo int) []blockID {
	last := blockID(lo / (2 * halfStride) * 2)
	first := last
	for first.newestRank() < hi {
		first += 2
	}
	var ids []blockID
	for id := first; id >= last; id -= 2 {
		ids = append(ids, id)
	}
	return ids
}
