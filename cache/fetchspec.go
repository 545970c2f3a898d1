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

// blockSpec returns the call for a block. If rows were added while the block above was read, that block ends higher than its lower bound,
// and the call begins there.
func (l *lookup) blockSpec(st *block.State, id block.ID) fetchSpec {
	if id.NewestRank() > st.NewestRank() {
		return fetchSpec{id: block.Head, limit: min(upstream.MaxLimit, st.NewestRank()-max(id.OldestRank(), st.Expired)+1+headSlack)}
	}
	spec := fetchSpec{id: id, newestRank: id.NewestRank()}
	if id == 0 || (id+2).NewestRank() > st.NewestRank() {
		return spec
	}
	if above := l.find(st, id+2); above != nil && above.OldestRank() > id.NewestRank()-1 && above.OldestRank() <= id.NewestRank()-1+block.Slack-headSlack {
		spec.newestRank = above.OldestRank() + 1
	}
	return spec
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

// alignedSpec returns the call for a block that ended too high.
func (l *lookup) alignedSpec(st *block.State, id block.ID) fetchSpec {
	if id.NewestRank() > st.NewestRank() {
		return l.blockSpec(st, id)
	}
	return fetchSpec{id: id, newestRank: id.NewestRank()}
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
	return fetchSpec{id: block.ID((seg.NewestRank - block.Rows + 1) / block.HalfStride), newestRank: seg.NewestRank}
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
	headSlack      = 8           // rows that may be added while the newest rows are read down to a block
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
