package changefeed

import (
	"encoding/binary"
	"hash"
	"hash/fnv"

	"scalegraph/upstream"
)

// contentHash returns a hash of all fields of a row. It is the same in every process, and equal for an empty list and a missing
// one.
func contentHash(a *upstream.Activity) uint32 {
	d := digest{fnv.New32a()}
	d.texts(a.RawType, a.RawStatus)
	d.number(a.StartTime.Unix())
	d.number(a.EndTime.Unix())
	d.counts(a.InstanceValue, a.DesireValue, a.ScalingValue)
	d.optional(a.Description)
	l := a.Lengths
	for _, n := range []int32{l.Added, l.Removed, l.Deleted, l.Failed, l.Standby, l.Bound, l.BindFailed, l.Unbound, l.UnbindFailed} {
		d.number(int64(n))
	}
	for _, list := range [][]*upstream.Instance{a.Details.Added, a.Details.Removed, a.Details.Deleted, a.Details.Failed, a.Details.Standby} {
		d.instances(list)
	}
	for _, list := range [][]*upstream.LoadBalancerChange{a.Details.Bound, a.Details.BindFailed, a.Details.Unbound, a.Details.UnbindFailed} {
		d.loadBalancers(list)
	}
	return d.Sum32()
}

// digest hashes values with their lengths, so that different sequences of fields have different inputs.
type digest struct{ hash.Hash32 }

func (d digest) number(n int64) {
	var b [binary.MaxVarintLen64]byte
	d.Write(binary.AppendVarint(b[:0], n))
}

func (d digest) texts(list ...string) {
	for _, s := range list {
		d.number(int64(len(s)))
		d.Write([]byte(s))
	}
}

func (d digest) optional(list ...*string) {
	for _, s := range list {
		if s == nil {
			d.number(-1)
			continue
		}
		d.texts(*s)
	}
}

func (d digest) counts(list ...*int32) {
	for _, n := range list {
		if n == nil {
			d.number(-1)
			continue
		}
		d.number(1)
		d.number(int64(*n))
	}
}

func (d digest) instances(list []*upstream.Instance) {
	d.number(int64(len(list)))
	for _, i := range list {
		d.optional(i.ID, i.Name, i.Config)
		d.failure(i.Failure)
	}
}

func (d digest) loadBalancers(list []*upstream.LoadBalancerChange) {
	d.number(int64(len(list)))
	for _, b := range list {
		d.optional(b.ClassicListener)
		if l := b.LbaasListener; l != nil {
			d.optional(l.ListenerID, l.PoolID)
			d.counts(l.ProtocolPort, l.Weight)
		}
		d.failure(b.Failure)
	}
}

func (d digest) failure(f *upstream.Failure) {
	if f == nil {
		d.number(-1)
		return
	}
	d.optional(f.Reason, f.Details)
}
