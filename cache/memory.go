package cache

import (
	"math"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

// memory is the in-process tier, bounded in bytes. A nil *memory caches nothing.
type memory struct {
	cache *otter.Cache[memoryKey, entry]
}

type memoryKey struct {
	log   keyHash
	gen   uint64  // 0 for the state
	block blockID // headID for the state, which contains the head
}

// entry contains either a state or a segment.
type entry struct {
	state   *logState
	segment *segment
}

func newMemory(bytes int64) *memory {
	if bytes <= 0 {
		return nil
	}
	return &memory{otter.Must(&otter.Options[memoryKey, entry]{
		MaximumWeight: uint64(bytes),
		Weigher:       func(_ memoryKey, e entry) uint32 { return e.weight() },
	})}
}

func (e entry) weight() uint32 {
	const overhead = 300 // of the entry with its key in the cache
	switch {
	case e.segment != nil:
		return overhead + e.segment.weight
	case e.state.head != nil:
		return overhead + e.state.head.weight
	}
	return overhead
}

func (m *memory) state(log keyHash) *logState {
	if m == nil {
		return nil
	}
	e, _ := m.cache.GetIfPresent(memoryKey{log: log, block: headID})
	return e.state
}

func (m *memory) setState(log keyHash, st *logState) {
	if m != nil {
		m.cache.Set(memoryKey{log: log, block: headID}, entry{state: st})
	}
}

func (m *memory) segment(log keyHash, gen uint64, id blockID) *segment {
	if m == nil {
		return nil
	}
	e, _ := m.cache.GetIfPresent(memoryKey{log, gen, id})
	return e.segment
}

func (m *memory) setSegment(log keyHash, id blockID, seg *segment) {
	if m != nil {
		m.cache.Set(memoryKey{log, seg.gen, id}, entry{segment: seg})
	}
}

func (m *memory) dropSegment(log keyHash, gen uint64, id blockID) {
	if m != nil {
		m.cache.Invalidate(memoryKey{log, gen, id})
	}
}

func (m *memory) bytes() uint64 {
	if m == nil {
		return 0
	}
	return m.cache.WeightedSize()
}

// estimateSize estimates the bytes that rows take in memory, see TestSizeEstimate.
func estimateSize(rows []*upstream.Activity) uint32 {
	n := 64
	for _, row := range rows {
		n += 8
		if row != nil {
			s := sizer{bytes: 560}
			s.row(row)
			n += s.bytes + max(s.texts, int(row.Held))
		}
	}
	return uint32(min(n, math.MaxInt32))
}

// sizer adds up the size of a row.
type sizer struct {
	bytes int // without the texts
	texts int
}

func (s *sizer) row(row *upstream.Activity) {
	s.texts += len(row.LogID)
	s.text(row.Description)
	d := &row.Details
	for _, list := range [][]*upstream.Instance{d.Added, d.Removed, d.Deleted, d.Standby, d.Failed} {
		for _, i := range list {
			s.bytes += 44 // with its element in a slice that has spare capacity
			s.text(i.ID, i.Name, i.Config)
			s.failure(i.Failure)
		}
	}
	for _, list := range [][]*upstream.LoadBalancerChange{d.Bound, d.BindFailed, d.Unbound, d.UnbindFailed} {
		for _, c := range list {
			s.bytes += 36
			s.text(c.ClassicListener)
			s.failure(c.Failure)
			if l := c.LbaasListener; l != nil {
				s.bytes += 48
				s.text(l.ListenerID, l.PoolID)
			}
		}
	}
}

func (s *sizer) text(all ...*string) {
	for _, t := range all {
		if t != nil {
			s.bytes += 16
			s.texts += len(*t)
		}
	}
}

func (s *sizer) failure(f *upstream.Failure) {
	if f != nil {
		s.bytes += 16
		s.text(f.Reason, f.Details)
	}
}
