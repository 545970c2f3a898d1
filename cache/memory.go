package cache

import (
	"math"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

// memory is the in-process tier, bounded in bytes. A nil *memory keeps nothing.
type memory struct {
	cache *otter.Cache[memoryKey, entry]
}

type memoryKey struct {
	view viewHash
	gen  uint64 // 0 for the track
	part part   // headPart for the track, which holds the head
}

// entry is one of the two.
type entry struct {
	track *track
	piece *piece
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
	const own = 300 // the entry with its key and its place in the cache
	switch {
	case e.piece != nil:
		return own + e.piece.weight
	case e.track.head != nil:
		return own + e.track.head.weight
	}
	return own
}

func (m *memory) track(v viewHash) *track {
	if m == nil {
		return nil
	}
	e, _ := m.cache.GetIfPresent(memoryKey{view: v, part: headPart})
	return e.track
}

func (m *memory) setTrack(v viewHash, t *track) {
	if m != nil {
		m.cache.Set(memoryKey{view: v, part: headPart}, entry{track: t})
	}
}

func (m *memory) piece(v viewHash, gen uint64, p part) *piece {
	if m == nil {
		return nil
	}
	e, _ := m.cache.GetIfPresent(memoryKey{v, gen, p})
	return e.piece
}

func (m *memory) setPiece(v viewHash, n part, p *piece) {
	if m != nil {
		m.cache.Set(memoryKey{v, p.gen, n}, entry{piece: p})
	}
}

func (m *memory) dropPiece(v viewHash, gen uint64, p part) {
	if m != nil {
		m.cache.Invalidate(memoryKey{v, gen, p})
	}
}

func (m *memory) bytes() uint64 {
	if m == nil {
		return 0
	}
	return m.cache.WeightedSize()
}

// weigh estimates what rows take in memory, see TestWeight.
func weigh(rows []*upstream.Activity) uint32 {
	n := 64
	for _, row := range rows {
		n += 8
		if row != nil {
			s := scale{bytes: 560}
			s.row(row)
			n += s.bytes + max(s.texts, int(row.Held))
		}
	}
	return uint32(min(n, math.MaxInt32))
}

// A scale sums up what a row is made of.
type scale struct {
	bytes int // without the texts
	texts int
}

func (s *scale) row(row *upstream.Activity) {
	s.texts += len(row.LogID)
	s.text(row.Description)
	d := &row.Details
	for _, list := range [][]*upstream.Instance{d.Added, d.Removed, d.Deleted, d.Standby, d.Failed} {
		for _, i := range list {
			s.bytes += 44 // with its place in a list that has room to grow
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

func (s *scale) text(all ...*string) {
	for _, t := range all {
		if t != nil {
			s.bytes += 16
			s.texts += len(*t)
		}
	}
}

func (s *scale) failure(f *upstream.Failure) {
	if f != nil {
		s.bytes += 16
		s.text(f.Reason, f.Details)
	}
}
