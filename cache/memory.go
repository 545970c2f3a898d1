package cache

import "github.com/maypok86/otter/v2"

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
