package cache

import (
	"github.com/maypok86/otter/v2"

	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
)

// memory is the in-process tier, bounded in bytes. A nil *memory caches nothing.
type memory struct {
	cache *otter.Cache[memoryKey, entry]
}

type memoryKey struct {
	log   cachekey.Hash
	gen   uint64   // 0 for the state
	block block.ID // headID for the state, which contains the head
}

// entry contains either a state or a segment.
type entry struct {
	state   *block.State
	segment *block.Segment
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
		return overhead + e.segment.Weight
	case e.state.Head != nil:
		return overhead + e.state.Head.Weight
	}
	return overhead
}

func (m *memory) state(log cachekey.Hash) *block.State {
	if m == nil {
		return nil
	}
	e, _ := m.cache.GetIfPresent(memoryKey{log: log, block: block.Head})
	return e.state
}

func (m *memory) setState(log cachekey.Hash, st *block.State) {
	if m != nil {
		m.cache.Set(memoryKey{log: log, block: block.Head}, entry{state: st})
	}
}

func (m *memory) segment(log cachekey.Hash, gen uint64, id block.ID) *block.Segment {
	if m == nil {
		return nil
	}
	e, _ := m.cache.GetIfPresent(memoryKey{log, gen, id})
	return e.segment
}

func (m *memory) setSegment(log cachekey.Hash, id block.ID, seg *block.Segment) {
	if m != nil {
		m.cache.Set(memoryKey{log, seg.Gen, id}, entry{segment: seg})
	}
}

func (m *memory) dropSegment(log cachekey.Hash, gen uint64, id block.ID) {
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
