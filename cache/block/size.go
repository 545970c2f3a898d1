package block

import (
	"math"

	"scalegraph/upstream"
)

// EstimateSize estimates the bytes that rows take in memory, see TestSizeEstimate.
func EstimateSize(rows []*upstream.Activity) uint32 {
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
