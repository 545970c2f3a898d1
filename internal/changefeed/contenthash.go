package changefeed

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/fields"
)

// contentHash returns a hash of all fields of a row. It is the same in every process, and equal for an empty list and a missing
// one.
func contentHash(a *upstream.Activity) uint32 {
	d := digest{fnv.New32a()}
	addFields(d, fields.Activity, a)
	for _, list := range fields.InstanceLists {
		d.number(int64(*list.Length(&a.ListLengths)))
	}
	for _, list := range fields.LoadBalancerLists {
		d.number(int64(*list.Length(&a.ListLengths)))
	}
	for _, list := range fields.InstanceLists {
		addList(d, fields.Instance, *list.Entries(&a.Details))
	}
	for _, list := range fields.LoadBalancerLists {
		addList(d, fields.LoadBalancerChange, *list.Entries(&a.Details))
	}
	return d.Sum32()
}

// digest hashes values with their lengths, so that different sequences of fields have different inputs.
type digest struct{ hash.Hash32 }

func addList[E any](d digest, entry []fields.Field[E], entries []*E) {
	d.number(int64(len(entries)))
	for _, e := range entries {
		addFields(d, entry, e)
	}
}

func addFields[T any](d digest, list []fields.Field[T], v *T) {
	for i := range list {
		if !list[i].Implied {
			d.value(list[i].Ptr(v))
		}
	}
}

// value adds the value of one field, see fields.Field.Ptr. Hashes are part of the ids of events: after a change here, a client that resumes is
// sent the running rows once more.
func (d digest) value(ptr any) {
	switch p := ptr.(type) {
	case *string:
		d.text(*p)
	case **string:
		d.optionalText(*p)
	case **int32:
		d.optionalNumber(*p)
	case *time.Time:
		d.number(p.Unix())
	case **upstream.Failure:
		d.failure(*p)
	case **upstream.LbaasListener:
		if *p != nil {
			addFields(d, fields.LbaasListener, *p)
		}
	default:
		panic(fmt.Sprintf("no hash for %T", ptr))
	}
}

func (d digest) number(n int64) {
	var b [binary.MaxVarintLen64]byte
	d.Write(binary.AppendVarint(b[:0], n))
}

func (d digest) text(s string) {
	d.number(int64(len(s)))
	d.Write([]byte(s))
}

func (d digest) optionalText(s *string) {
	if s == nil {
		d.number(-1)
		return
	}
	d.text(*s)
}

func (d digest) optionalNumber(n *int32) {
	if n == nil {
		d.number(-1)
		return
	}
	d.number(1)
	d.number(int64(*n))
}

func (d digest) failure(f *upstream.Failure) {
	if f == nil {
		d.number(-1)
		return
	}
	addFields(d, fields.Failure, f)
}
