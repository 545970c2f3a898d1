package redisstore

import (
	"scalegraph/upstream"

	"scalegraph/cache/block"
)

func encodeSummary(seg *block.Segment) []byte {
	w := writer{b: make([]byte, 0, 64+len(seg.Rows)*160)}
	w.uint(seg.Gen)
	for _, n := range []int{seg.NewestRank, seg.Total, seg.Expired} {
		w.int(int64(n))
	}
	w.time(seg.At)
	w.time(seg.FreshUntil)
	w.flags(seg.AtHead, seg.AtEnd, seg.Immutable, seg.RankConfirmed)
	w.uint(uint64(len(seg.Rows)))
	for _, row := range seg.Rows {
		w.row(row)
	}
	return w.b
}

func decodeSummary(g upstream.Group, payload string) (*block.Segment, error) {
	r := reader{s: payload}
	seg := &block.Segment{Gen: r.uint()}
	seg.NewestRank, seg.Total, seg.Expired = r.rowCount(), r.rowCount(), r.rowCount()
	seg.At, seg.FreshUntil = r.time(), r.time()
	r.flags(&seg.AtHead, &seg.AtEnd, &seg.Immutable, &seg.RankConfirmed)
	n := r.count()
	seg.Rows = make([]*upstream.Activity, 0, min(n, upstream.MaxLimit))
	rows := make([]upstream.Activity, min(n, upstream.MaxLimit))
	for i := range n {
		if r.failed || i >= len(rows) {
			return nil, errCorrupt
		}
		seg.Rows = append(seg.Rows, r.row(&rows[i], g))
	}
	if r.failed || r.s != "" || seg.Gen == 0 || seg.At.IsZero() || !block.WellOrdered(seg.Rows) || seg.NewestRank < len(seg.Rows)-1 || seg.Total < len(seg.Rows) {
		return nil, errCorrupt
	}
	return seg, nil
}

func (w *writer) row(a *upstream.Activity) {
	if w.flags(a != nil); a == nil {
		return
	}
	w.text(a.LogID)
	w.text(string(a.Type))
	w.text(a.RawType)
	w.text(string(a.Status))
	w.text(a.RawStatus)
	w.time(a.StartTime)
	w.time(a.EndTime)
	w.flags(a.InstanceValue != nil, a.DesireValue != nil, a.ScalingValue != nil, a.Description != nil)
	for _, n := range []*int32{a.InstanceValue, a.DesireValue, a.ScalingValue} {
		if n != nil {
			w.int(int64(*n))
		}
	}
	if a.Description != nil {
		w.text(*a.Description)
	}
	for _, n := range lengths(&a.Lengths) {
		w.int(int64(*n))
	}
}

func (r *reader) row(a *upstream.Activity, g upstream.Group) *upstream.Activity {
	var present bool
	if r.flags(&present); !present {
		return nil
	}
	a.Group = g
	a.LogID = r.text()
	a.Type, a.RawType = upstream.Type(r.text()), r.text()
	a.Status, a.RawStatus = upstream.Status(r.text()), r.text()
	a.StartTime, a.EndTime = r.time(), r.time()
	var instance, desire, scaling, description bool
	r.flags(&instance, &desire, &scaling, &description)
	a.InstanceValue, a.DesireValue, a.ScalingValue = r.optInt32(instance), r.optInt32(desire), r.optInt32(scaling)
	a.Description, a.Details.Sections = r.optText(description), upstream.SectionDescriptions
	for _, n := range lengths(&a.Lengths) {
		*n = r.int32()
	}
	if a.LogID == "" || a.StartTime.IsZero() {
		r.failed = true
	}
	return a
}

func lengths(l *upstream.Lengths) []*int32 {
	return []*int32{&l.Added, &l.Removed, &l.Deleted, &l.Failed, &l.Standby, &l.Bound, &l.BindFailed, &l.Unbound, &l.UnbindFailed}
}

// instances and balancers return the lists of a section.
func instances(d *upstream.Details, s upstream.Sections) []*[]*upstream.Instance {
	switch s {
	case upstream.SectionInstances:
		return []*[]*upstream.Instance{&d.Added, &d.Removed, &d.Deleted, &d.Standby}
	case upstream.SectionFailures:
		return []*[]*upstream.Instance{&d.Failed}
	}
	return nil
}

func balancers(d *upstream.Details, s upstream.Sections) []*[]*upstream.LoadBalancerChange {
	if s != upstream.SectionLoadBalancers {
		return nil
	}
	return []*[]*upstream.LoadBalancerChange{&d.Bound, &d.BindFailed, &d.Unbound, &d.UnbindFailed}
}

func encodeSection(rows []*upstream.Activity, s upstream.Sections) []byte {
	var w writer
	for _, row := range rows {
		if row == nil {
			continue
		}
		for _, list := range instances(&row.Details, s) {
			w.uint(uint64(len(*list)))
			for _, i := range *list {
				w.instance(i)
			}
		}
		for _, list := range balancers(&row.Details, s) {
			w.uint(uint64(len(*list)))
			for _, c := range *list {
				w.balancer(c)
			}
		}
	}
	return w.b
}

// decodeSection fills one section of rows that are not shared yet.
func decodeSection(rows []*upstream.Activity, s upstream.Sections, payload string) error {
	r := reader{s: payload}
	for _, row := range rows {
		if row == nil {
			continue
		}
		for _, list := range instances(&row.Details, s) {
			for range r.count() {
				*list = append(*list, r.instance())
			}
		}
		for _, list := range balancers(&row.Details, s) {
			for range r.count() {
				*list = append(*list, r.balancer())
			}
		}
		row.Details.Sections |= s
	}
	if r.failed || r.s != "" {
		return errCorrupt
	}
	return nil
}

func (w *writer) instance(i *upstream.Instance) {
	w.flags(i.ID != nil, i.Name != nil, i.Config != nil, i.Failure != nil)
	w.texts(i.ID, i.Name, i.Config)
	w.failure(i.Failure)
}

func (r *reader) instance() *upstream.Instance {
	var id, name, config, failed bool
	r.flags(&id, &name, &config, &failed)
	i := &upstream.Instance{ID: r.optText(id), Name: r.optText(name), Config: r.optText(config)}
	i.Failure = r.optFailure(failed)
	return i
}

func (w *writer) failure(f *upstream.Failure) {
	if f != nil {
		w.flags(f.Reason != nil, f.Details != nil)
		w.texts(f.Reason, f.Details)
	}
}

func (r *reader) optFailure(present bool) *upstream.Failure {
	if !present {
		return nil
	}
	var reason, details bool
	r.flags(&reason, &details)
	return &upstream.Failure{Reason: r.optText(reason), Details: r.optText(details)}
}

func (w *writer) balancer(c *upstream.LoadBalancerChange) {
	w.flags(c.LbaasListener != nil, c.ClassicListener != nil, c.Failure != nil)
	if l := c.LbaasListener; l != nil {
		w.flags(l.ListenerID != nil, l.PoolID != nil, l.ProtocolPort != nil, l.Weight != nil)
		w.texts(l.ListenerID, l.PoolID)
		for _, n := range []*int32{l.ProtocolPort, l.Weight} {
			if n != nil {
				w.int(int64(*n))
			}
		}
	}
	w.texts(c.ClassicListener)
	w.failure(c.Failure)
}

func (r *reader) balancer() *upstream.LoadBalancerChange {
	var listener, classic, failed bool
	r.flags(&listener, &classic, &failed)
	c := &upstream.LoadBalancerChange{}
	if listener {
		var id, pool, port, weight bool
		r.flags(&id, &pool, &port, &weight)
		c.LbaasListener = &upstream.LbaasListener{ListenerID: r.optText(id), PoolID: r.optText(pool)}
		c.LbaasListener.ProtocolPort, c.LbaasListener.Weight = r.optInt32(port), r.optInt32(weight)
	}
	c.ClassicListener = r.optText(classic)
	c.Failure = r.optFailure(failed)
	return c
}
