package cache

import (
	"slices"
	"time"

	"scalegraph/cache/block"
	"scalegraph/upstream"
)

// fetchSpec is one upstream call to make.
type fetchSpec struct {
	id         block.ID
	newestRank int  // of a block: the rank of the first row to request
	offset     int  // of passThroughID
	limit      int  // of headID and passThroughID
	totalOnly  bool // only the total is needed, which any other call returns as well
}

// blockSpec returns the call for a block.
func (l *lookup) blockSpec(st *block.State, id block.ID) fetchSpec {
	if id.NewestRank() > st.NewestRank() {
		return fetchSpec{id: block.Head, limit: min(upstream.MaxLimit, st.NewestRank()-max(id.OldestRank(), st.Expired)+1+block.MaxGrowth)}
	}
	return fetchSpec{id: id, newestRank: l.startRank(st, id)}
}

// startRank returns the rank at which to begin to read a block. It is moved up or down a little if otherwise all rows that the block shares
// with a cached neighbour would start in one second, or if the block above ends higher than its lower bound.
func (l *lookup) startRank(st *block.State, id block.ID) int {
	if id == 0 {
		return id.NewestRank() // nothing is below it
	}
	start, highest := id.NewestRank(), id.NewestRank()+block.MaxShiftUp
	if below := l.find(st, id-2); below != nil && id > 1 {
		if end, ok := below.UpperJoin(); ok && end+block.Rows-1 >= start-block.MaxShiftDown {
			highest = min(highest, end+block.Rows-1)
			start = min(start, highest)
		}
	}
	if above := l.find(st, id+2); above != nil {
		if join, ok := above.LowerJoin(); ok && join <= highest {
			start = max(start, join)
		}
	}
	return start
}

// dropOlder removes the older one of two conflicting segments from the cache, and returns the call that replaces it.
func (l *lookup) dropOlder(st *block.State, ids []block.ID, x, y *block.Segment) []fetchSpec {
	if y.At.Before(x.At) {
		x = y
	}
	if slices.Contains(l.fetched, x) { // both were read just now: the log changes too fast
		return []fetchSpec{l.passThroughSpec()}
	}
	for _, id := range ids {
		if id.NewestRank() <= st.NewestRank() && l.find(st, id) == x {
			delete(l.segments, id)
			l.memory.dropSegment(l.key.Hash, st.Gen, id)
			return []fetchSpec{{id: id, newestRank: id.NewestRank()}}
		}
	}
	return []fetchSpec{{id: block.Head, limit: min(upstream.MaxLimit, len(x.Rows))}}
}

// closeGap returns the call that closes the gap above a block: it reads the block that was moved away from the other one.
func (l *lookup) closeGap(st *block.State, ids []block.ID, lower *block.Segment) fetchSpec {
	older := block.Of(lower)
	i := slices.Index(ids, older)
	switch {
	case i < 1:
		return l.passThroughSpec()
	case lower.NewestRank < older.NewestRank():
		return fetchSpec{id: older, newestRank: older.NewestRank()}
	case ids[i-1].NewestRank() > st.NewestRank():
		return l.blockSpec(st, ids[i-1])
	}
	return fetchSpec{id: ids[i-1], newestRank: ids[i-1].NewestRank()}
}

// refreshSpec returns the call that reads a segment again.
func (l *lookup) refreshSpec(seg *block.Segment) fetchSpec {
	if seg.AtHead || l.state.Head == seg {
		spec := l.headSpec()
		if l.q.Offset > 0 {
			spec.limit = max(spec.limit, min(upstream.MaxLimit, len(seg.Rows)))
		}
		return spec
	}
	return fetchSpec{id: block.Of(seg), newestRank: seg.NewestRank}
}

// headSpec returns the call that reads the length of the log and enough rows to recognize known ones. If the caller requests the head,
// these are the rows it requested. The limit is not much larger than that of a poll.
func (l *lookup) headSpec() fetchSpec {
	limit := 20
	if l.q.Offset == 0 {
		limit = l.q.Limit
	}
	if l.state != nil && l.state.Head != nil {
		limit = max(limit, min(maxReadAhead, len(l.state.Head.Rows)))
	}
	return fetchSpec{id: block.Head, limit: limit}
}

func (l *lookup) totalSpec() fetchSpec {
	spec := l.headSpec()
	spec.totalOnly = true
	return spec
}

// passThroughSpec returns the caller's query as it is.
func (l *lookup) passThroughSpec() fetchSpec {
	return fetchSpec{id: block.PassThrough, offset: l.q.Offset, limit: l.q.Limit}
}

const (
	maxReadAhead   = 40          // maximum rows of a head read if the caller requests fewer
	bypassInterval = time.Second // minimum time between two reads that bypass the cache
)

// dedupe leaves one call for each block, and none for the total if another call returns it.
func dedupe(specs []fetchSpec) []fetchSpec {
	var out []fetchSpec
	for _, spec := range specs {
		i := slices.IndexFunc(out, func(o fetchSpec) bool { return o.id == spec.id || o.totalOnly })
		switch {
		case i < 0:
			out = append(out, spec)
		case spec.totalOnly:
		case out[i].totalOnly:
			out[i] = spec
		default:
			out[i].limit = max(out[i].limit, spec.limit)
		}
	}
	return slices.DeleteFunc(out, func(spec fetchSpec) bool { return spec.totalOnly && len(out) > 1 })
}
