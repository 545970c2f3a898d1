package emulator

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

const (
	timeLayout   = "2006-01-02T15:04:05Z"
	millisLayout = "2006-01-02T15:04:05.000Z"
)

// object builds a JSON object whose members stand in the order in which they are added.
type object struct {
	buf   []byte
	extra map[string]json.RawMessage // members that take the place of those added under their name
}

func (o *object) add(name string, value any) {
	if raw, ok := o.extra[name]; ok {
		o.raw(name, raw)
		return
	}
	o.raw(name, marshal(value))
}

// raw adds a member that is JSON already; a nil value adds none.
func (o *object) raw(name string, value []byte) {
	if value == nil {
		return
	}
	o.buf = append(o.buf, ',')
	o.buf = strconv.AppendQuote(o.buf, name)
	o.buf = append(o.buf, ':')
	o.buf = append(o.buf, value...)
}

func (o *object) bytes() []byte {
	if len(o.buf) == 0 {
		return []byte("{}")
	}
	o.buf[0] = '{'
	return append(o.buf, '}')
}

// marshal is json.Marshal without the escapes for HTML, which no sample has. Only our own types come here, and none of them can fail.
func marshal(value any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// encodeRow writes a row with its members in the order of the sample.
func encodeRow(r Row, sw Switches) []byte {
	o := object{extra: r.Extra}
	o.add("id", r.ID)
	o.add("instance_value", r.InstanceValue)
	o.add("desire_value", r.DesireValue)
	addScalingValue(&o, r, sw)
	o.add("start_time", r.Start.Format(timeLayout))
	addEnd(&o, r, sw)
	addInstances(&o, r, sw)
	o.add("status", r.Status)
	addLoadBalancers(&o, r, sw)
	addText(&o, "description", r.Description)
	o.add("type", spelled(r.Type, sw.Spelling))
	addUnknown(&o, r)
	return o.bytes()
}

func addScalingValue(o *object, r Row, sw Switches) {
	if sw.ScalingValue == ScalingText {
		o.add("scaling_value", strconv.Itoa(r.ScalingValue))
		return
	}
	o.add("scaling_value", r.ScalingValue)
}

func addEnd(o *object, r Row, sw Switches) {
	switch {
	case !r.End.IsZero():
		o.add("end_time", formatEnd(r.End, sw.Fractions))
	case sw.DoingEnd == EndNull:
		o.add("end_time", nil)
	case sw.DoingEnd == EndEmpty:
		o.add("end_time", "")
	default:
		o.raw("end_time", o.extra["end_time"])
	}
}

func formatEnd(t time.Time, f Fractions) string {
	if f == Milliseconds {
		return t.Format(millisLayout)
	}
	return t.Format(timeLayout)
}

func addInstances(o *object, r Row, sw Switches) {
	used := r.Type != ModifyELB
	addList(o, sw.Lists, used, "instance_added_list", r.Added)
	addList(o, sw.Lists, used, "instance_deleted_list", r.Deleted)
	addList(o, sw.Lists, used, "instance_removed_list", r.Removed)
	addList(o, sw.Lists, used, "instance_failed_list", r.Failed)
	// Absent even on the NORMAL row of the sample, so it belongs to the standby types alone.
	addList(o, sw.Lists, r.Type == EnterStandby || r.Type == ExitStandby, "instance_standby_list", r.Standby)
}

func addLoadBalancers(o *object, r Row, sw Switches) {
	used := r.Type == ModifyELB
	addList(o, sw.Lists, used, "lb_bind_success_list", r.Bound)
	addList(o, sw.Lists, used, "lb_bind_failed_list", r.BindFailed)
	addList(o, sw.Lists, used, "lb_unbind_success_list", r.Unbound)
	addList(o, sw.Lists, used, "lb_unbind_failed_list", r.UnbindFailed)
}

func addList[T any](o *object, how Lists, used bool, name string, list []T) {
	switch {
	case len(list) > 0:
		o.add(name, list)
	case how == ListsNull:
		o.add(name, nil)
	case how == ListsEmpty, how == ListsByType && used:
		o.add(name, []T{})
	default:
		o.raw(name, o.extra[name])
	}
}

func addText(o *object, name, text string) {
	if text == "" {
		o.raw(name, o.extra[name])
		return
	}
	o.add(name, text)
}

// known are the members that encodeRow places itself.
var known = []string{
	"id", "instance_value", "desire_value", "scaling_value", "start_time", "end_time",
	"instance_added_list", "instance_deleted_list", "instance_removed_list", "instance_failed_list", "instance_standby_list",
	"status", "lb_bind_success_list", "lb_bind_failed_list", "lb_unbind_success_list", "lb_unbind_failed_list",
	"description", "type",
}

// addUnknown adds what the documents do not know, in the order of names.
func addUnknown(o *object, r Row) {
	for _, name := range slices.Sorted(maps.Keys(r.Extra)) {
		if !slices.Contains(known, name) {
			o.raw(name, r.Extra[name])
		}
	}
}

func spelled(kind string, s Spelling) string {
	if s == SpellManual {
		return oneN(kind)
	}
	return kind
}

// encodePage writes the envelope with its members in the order of the sample.
func encodePage(p page) []byte {
	size := 96
	for _, row := range p.rows {
		size += len(row) + 1
	}
	b := make([]byte, 0, size)
	b = append(b, `{"limit":`...)
	b = strconv.AppendInt(b, int64(p.limit), 10)
	b = append(b, `,"scaling_activity_log":[`...)
	for i, row := range p.rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, row...)
	}
	b = append(b, `],"total_number":`...)
	b = strconv.AppendInt(b, int64(p.total), 10)
	b = append(b, `,"start_number":`...)
	b = strconv.AppendInt(b, int64(p.offset), 10)
	return append(b, '}')
}

// indent lays a body out as the documents print it.
func indent(body []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return body
	}
	return b.Bytes()
}
