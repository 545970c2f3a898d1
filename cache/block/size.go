package block

import (
	"fmt"
	"math"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/fields"
)

// EstimateSize returns the estimated size of rows in memory, in bytes.
func EstimateSize(rows []*upstream.Activity) uint32 {
	n := 64
	for _, row := range rows {
		n += 8
		if row != nil {
			s := sizer{bytes: 560}
			s.row(row)
			n += s.bytes + max(s.texts, int(row.RetainedBytes))
		}
	}
	return uint32(min(n, math.MaxInt32))
}

// sizer adds up the size of a row. The fixed part of a struct is counted with the struct.
type sizer struct {
	bytes int // without the texts
	texts int
}

func (s *sizer) row(row *upstream.Activity) {
	addFields(s, fields.Activity, row)
	for _, list := range fields.InstanceLists {
		addList(s, fields.Instance, *list.Entries(&row.Details), 44)
	}
	for _, list := range fields.LoadBalancerLists {
		addList(s, fields.LoadBalancerChange, *list.Entries(&row.Details), 36)
	}
}

// addList adds entries with fixed bytes each: the struct, and its element in a slice that has spare capacity.
func addList[E any](s *sizer, entry []fields.Field[E], entries []*E, fixed int) {
	for _, e := range entries {
		s.bytes += fixed
		addFields(s, entry, e)
	}
}

func addFields[T any](s *sizer, list []fields.Field[T], v *T) {
	for i := range list {
		s.value(list[i].Ptr(v))
	}
}

// value adds the value of one field, see fields.Field.Ptr.
func (s *sizer) value(ptr any) {
	switch p := ptr.(type) {
	case *string:
		s.texts += len(*p)
	case **string:
		if *p != nil {
			s.bytes += 16
			s.texts += len(**p)
		}
	case **int32, *time.Time:
	case **upstream.Failure:
		if *p != nil {
			s.bytes += 16
			addFields(s, fields.Failure, *p)
		}
	case **upstream.LbaasListener:
		if *p != nil {
			s.bytes += 48
			addFields(s, fields.LbaasListener, *p)
		}
	default:
		panic(fmt.Sprintf("the size of %T is unknown", ptr))
	}
}
