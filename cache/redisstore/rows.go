package redisstore

import (
	"fmt"
	"math"
	"time"

	"scalegraph/cache/block"
	"scalegraph/internal/binenc"
	"scalegraph/upstream"
	"scalegraph/upstream/fields"
)

// encodeSummary encodes a segment without the heavy sections of its rows.
func encodeSummary(seg *block.Segment) []byte {
	w := make(binenc.Writer, 0, 64+len(seg.Rows)*160)
	w.Uint(seg.Gen)
	for _, n := range []int{seg.NewestRank, seg.Total, seg.Expired} {
		w.Int(int64(n))
	}
	w.Time(seg.At)
	w.Time(seg.FreshUntil)
	w.Flags(seg.AtHead, seg.AtEnd, seg.Immutable, seg.RankConfirmed)
	w.Uint(uint64(len(seg.Rows)))
	for _, row := range seg.Rows {
		w.Flags(row != nil)
		if row != nil {
			writeRow(&w, row)
		}
	}
	return w
}

// decodeSummary decodes a segment whose rows belong to group g.
func decodeSummary(g upstream.Group, payload string) (*block.Segment, error) {
	r := binenc.NewReader(payload)
	seg := &block.Segment{Gen: r.Uint()}
	seg.NewestRank, seg.Total, seg.Expired = readRank(&r), readRank(&r), readRank(&r)
	seg.At, seg.FreshUntil = r.Time(), r.Time()
	r.Flags(&seg.AtHead, &seg.AtEnd, &seg.Immutable, &seg.RankConfirmed)
	n := r.Count()
	seg.Rows = make([]*upstream.Activity, 0, min(n, upstream.MaxLimit))
	rows := make([]upstream.Activity, min(n, upstream.MaxLimit))
	for i := range n {
		if r.Failed() || i >= len(rows) {
			return nil, errCorrupt
		}
		var present bool
		if r.Flags(&present); !present {
			seg.Rows = append(seg.Rows, nil)
			continue
		}
		rows[i].Group = g
		readRow(&r, &rows[i])
		seg.Rows = append(seg.Rows, &rows[i])
	}
	if !r.Done() || seg.Gen == 0 || seg.At.IsZero() || !block.WellOrdered(seg.Rows) || seg.NewestRank < len(seg.Rows)-1 || seg.Total < len(seg.Rows) {
		return nil, errCorrupt
	}
	return seg, nil
}

// readRank reads a rank or a number of rows: at least -1, the rank of the newest row of an empty log.
func readRank(r *binenc.Reader) int {
	n := r.Int()
	if n < -1 || n > math.MaxInt32 {
		r.Fail()
		return 0
	}
	return int(n)
}

// writeRow appends the fields of a row and the lengths of its lists.
func writeRow(w *binenc.Writer, a *upstream.Activity) {
	writeFields(w, fields.Activity, a)
	for _, l := range fields.InstanceLists {
		w.Int(int64(*l.Length(&a.ListLengths)))
	}
	for _, l := range fields.LoadBalancerLists {
		w.Int(int64(*l.Length(&a.ListLengths)))
	}
}

func readRow(r *binenc.Reader, a *upstream.Activity) {
	readFields(r, fields.Activity, a)
	for _, l := range fields.InstanceLists {
		*l.Length(&a.ListLengths) = r.Int32()
	}
	for _, l := range fields.LoadBalancerLists {
		*l.Length(&a.ListLengths) = r.Int32()
	}
	a.Details.Sections = upstream.SectionDescriptions
	if a.LogID == "" || a.StartTime.IsZero() {
		r.Fail()
	}
}

// encodeSection encodes the lists of the rows that belong to one heavy section.
func encodeSection(rows []*upstream.Activity, s upstream.Sections) []byte {
	var w binenc.Writer
	for _, row := range rows {
		if row != nil {
			writeLists(&w, fields.InstanceLists, fields.Instance, &row.Details, s)
			writeLists(&w, fields.LoadBalancerLists, fields.LoadBalancerChange, &row.Details, s)
		}
	}
	return w
}

// decodeSection sets the lists of one section. The rows must not be shared yet.
func decodeSection(rows []*upstream.Activity, s upstream.Sections, payload string) error {
	r := binenc.NewReader(payload)
	for _, row := range rows {
		if row != nil {
			readLists(&r, fields.InstanceLists, fields.Instance, &row.Details, s)
			readLists(&r, fields.LoadBalancerLists, fields.LoadBalancerChange, &row.Details, s)
			row.Details.Sections |= s
		}
	}
	if !r.Done() {
		return errCorrupt
	}
	return nil
}

func writeLists[E any](w *binenc.Writer, lists []fields.List[E], entry []fields.Field[E], d *upstream.Details, s upstream.Sections) {
	for _, l := range lists {
		if l.Section != s {
			continue
		}
		entries := *l.Entries(d)
		w.Uint(uint64(len(entries)))
		for _, e := range entries {
			writeFields(w, entry, e)
		}
	}
}

func readLists[E any](r *binenc.Reader, lists []fields.List[E], entry []fields.Field[E], d *upstream.Details, s upstream.Sections) {
	for _, l := range lists {
		if l.Section != s {
			continue
		}
		entries := l.Entries(d)
		for range r.Count() {
			e := new(E)
			readFields(r, entry, e)
			*entries = append(*entries, e)
		}
	}
}

func writeFields[T any](w *binenc.Writer, list []fields.Field[T], v *T) {
	for i := range list {
		writeValue(w, list[i].Ptr(v))
	}
}

func readFields[T any](r *binenc.Reader, list []fields.Field[T], v *T) {
	for i := range list {
		readValue(r, list[i].Ptr(v))
	}
}

// writeValue appends the value of one field, see fields.Field.Ptr.
func writeValue(w *binenc.Writer, ptr any) {
	switch p := ptr.(type) {
	case *string:
		w.Text(*p)
	case **string:
		w.OptText(*p)
	case **int32:
		w.OptInt32(*p)
	case *time.Time:
		w.Time(*p)
	case **upstream.Failure:
		writeObject(w, fields.Failure, *p)
	case **upstream.LbaasListener:
		writeObject(w, fields.LbaasListener, *p)
	default:
		panic(fmt.Sprintf("the codec has no encoding for %T", ptr))
	}
}

func readValue(r *binenc.Reader, ptr any) {
	switch p := ptr.(type) {
	case *string:
		*p = r.Text()
	case **string:
		*p = r.OptText()
	case **int32:
		*p = r.OptInt32()
	case *time.Time:
		*p = r.Time()
	case **upstream.Failure:
		*p = readObject(r, fields.Failure)
	case **upstream.LbaasListener:
		*p = readObject(r, fields.LbaasListener)
	default:
		panic(fmt.Sprintf("the codec has no encoding for %T", ptr))
	}
}

// writeObject appends the fields of v, or nil.
func writeObject[T any](w *binenc.Writer, list []fields.Field[T], v *T) {
	w.Flags(v != nil)
	if v != nil {
		writeFields(w, list, v)
	}
}

func readObject[T any](r *binenc.Reader, list []fields.Field[T]) *T {
	var present bool
	if r.Flags(&present); !present {
		return nil
	}
	v := new(T)
	readFields(r, list, v)
	return v
}
