package upstream

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"scalegraph/upstream/wirejson"
)

// page is a decoded response of the activity log.
type page struct {
	rows    []*Activity // nil if a row has no id or start time
	skipped int         // how many rows are nil
	total   int
}

// decodePage decodes the envelope strictly, because a mistake there would shift rows, and each row leniently: a member that is not as documented
// is dropped or converted to text, and never costs the row or the page.
func decodePage(body string, q ListQuery) (page, error) {
	p := wirejson.NewScanner(validText(body))
	var total gjson.Result
	var list rowList
	member := func(name string) {
		switch name {
		case "total_number":
			total = p.ReadResult()
		case "scaling_activity_log":
			list = readRows(p, q)
		default:
			p.SkipValue()
		}
	}
	if p.Peek() == '{' {
		p.Object(member)
	} else {
		p.SkipValue()
	}
	if !p.AtEOF() {
		return page{}, errors.New("not JSON, or cut off")
	}
	return newPage(total, list, q)
}

// validText replaces invalid UTF-8 and removes a byte order mark, which RFC 8259 allows parsers to ignore.
func validText(s string) string {
	s = strings.TrimPrefix(s, "\uFEFF")
	if utf8.ValidString(s) { // several times as fast as a replacement that finds nothing
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func newPage(total gjson.Result, list rowList, q ListQuery) (page, error) {
	n := wirejson.Int32(total)
	switch {
	case n == nil || *n < 0:
		return page{}, errors.New("total_number is no count")
	case list.notArray:
		return page{}, errors.New("scaling_activity_log is no list")
	case len(list.rows) > q.Limit:
		// An upstream that ignores limit may ignore start_number as well, so the position of these rows is unknown.
		return page{}, fmt.Errorf("more than the requested %d rows", q.Limit)
	}
	p := page{rows: list.rows, total: int(*n)}
	for _, row := range p.rows {
		if row == nil {
			p.skipped++
		}
	}
	if len(p.rows) > 0 {
		// The upstream counts before it lists. A row that is added in between is missing in its total.
		p.total = max(p.total, q.Offset+len(p.rows))
	}
	return p, nil
}

// rowList is the decoded member scaling_activity_log.
type rowList struct {
	rows     []*Activity
	notArray bool
}

// readRows reads at most one row more than requested. null is an empty list.
func readRows(p *wirejson.Scanner, q ListQuery) rowList {
	switch p.Peek() {
	case '[':
	case 'n':
		p.SkipValue()
		return rowList{}
	default:
		p.SkipValue()
		return rowList{notArray: true}
	}
	rows := make([]*Activity, 0, q.Limit)
	p.Array(func() {
		if len(rows) > q.Limit {
			p.SkipValue()
			return
		}
		rows = append(rows, decodeRow(p, q))
	})
	return rowList{rows: rows}
}

// rowAlloc is an activity and the values that it points to, in one allocation.
type rowAlloc struct {
	Activity

	instanceValue, desireValue, scalingValue int32

	description string
}

// decodeRow returns nil if the row has no id or start time: it has no position in the log then.
func decodeRow(p *wirejson.Scanner, q ListQuery) *Activity {
	if p.Peek() != '{' {
		p.SkipValue()
		return nil
	}
	a := &rowAlloc{Activity: Activity{Group: q.Group, Type: TypeUnknown, Status: StatusUnknown}}
	a.Details.Sections = q.Sections
	if q.Sections == AllSections {
		// The strings of the row share one copy of its JSON, so that a cached row does not retain the whole page. Callers that request
		// fewer sections do not cache rows.
		text := strings.Clone(p.SkipValue())
		row := p.Sub(text)
		row.Object(func(name string) { a.setMember(row, name) })
		a.RetainedBytes = int32(len(text) + row.UnescapedBytes())
	} else {
		p.Object(func(name string) { a.setMember(p, name) })
	}
	if a.LogID == "" || a.StartTime.IsZero() {
		return nil
	}
	if a.Status == StatusDoing {
		a.EndTime = time.Time{} // ignore a sent value: the activity has not ended
	}
	return &a.Activity
}

// setMember reads one member of a row. Unknown members are skipped.
func (a *rowAlloc) setMember(p *wirejson.Scanner, key string) {
	switch key {
	case "id":
		a.LogID = p.ReadID()
	case "type":
		a.RawType, a.Type = readType(p.ReadText())
	case "status":
		a.RawStatus, a.Status = readStatus(p.ReadText())
	case "start_time":
		a.StartTime = p.ReadTime()
	case "end_time":
		a.EndTime = p.ReadTime()
	case "instance_value":
		a.InstanceValue = p.ReadInt32(&a.instanceValue)
	case "desire_value":
		a.DesireValue = p.ReadInt32(&a.desireValue)
	case "scaling_value":
		a.ScalingValue = p.ReadInt32(&a.scalingValue)
	case "description":
		if !a.Details.Sections.Has(SectionDescriptions) {
			p.SkipValue()
			return
		}
		a.Description = p.ReadOptionalText(&a.description)
	default:
		a.setList(p, key)
	}
}

// setList reads one of the lists of a row. If its section was not requested only the length is set: decoding the lists is most of the
// work on a page.
func (a *rowAlloc) setList(p *wirejson.Scanner, key string) {
	d, n := &a.Details, &a.ListLengths
	wantInstances, wantFailures, wantLoadBalancers := d.Sections.Has(SectionInstances), d.Sections.Has(SectionFailures), d.Sections.Has(SectionLoadBalancers)
	switch key {
	case "instance_added_list":
		d.Added, n.Added = readInstances(p, wantInstances, false)
	case "instance_removed_list":
		d.Removed, n.Removed = readInstances(p, wantInstances, false)
	case "instance_deleted_list":
		d.Deleted, n.Deleted = readInstances(p, wantInstances, false)
	case "instance_standby_list":
		d.Standby, n.Standby = readInstances(p, wantInstances, false)
	case "instance_failed_list":
		d.Failed, n.Failed = readInstances(p, wantFailures, true)
	case "lb_bind_success_list":
		d.Bound, n.Bound = readLoadBalancers(p, wantLoadBalancers, false)
	case "lb_bind_failed_list":
		d.BindFailed, n.BindFailed = readLoadBalancers(p, wantLoadBalancers, true)
	case "lb_unbind_success_list":
		d.Unbound, n.Unbound = readLoadBalancers(p, wantLoadBalancers, false)
	case "lb_unbind_failed_list":
		d.UnbindFailed, n.UnbindFailed = readLoadBalancers(p, wantLoadBalancers, true)
	default:
		p.SkipValue()
	}
}

// instanceAlloc is an instance and the strings that it points to, in one allocation.
type instanceAlloc struct {
	Instance

	id, name, config string
}

// readInstances reads a list of scaling_instance and returns it and its length. If wanted is false it returns only the length. V1 sends
// only the names of instances.
func readInstances(p *wirejson.Scanner, wanted, failed bool) (list []*Instance, n int32) {
	if !wanted {
		return nil, p.SkipList()
	}
	p.ReadList(func() { list = append(list, readInstance(p, failed)) },
		func(name string) { list = append(list, &Instance{Name: &name, Failure: newFailure(nil, nil, failed)}) })
	return list, int32(len(list))
}

func readInstance(p *wirejson.Scanner, failed bool) *Instance {
	i := new(instanceAlloc)
	if p.Peek() != '{' {
		i.Name, i.Failure = p.ReadOptionalText(&i.name), newFailure(nil, nil, failed)
		return &i.Instance
	}
	var reason, details *string
	p.Object(func(key string) {
		switch key {
		case "instance_id":
			i.ID = p.ReadOptionalText(&i.id)
		case "instance_name":
			i.Name = p.ReadOptionalText(&i.name)
		case "instance_config":
			i.Config = p.ReadOptionalText(&i.config)
		case "failed_reason":
			reason = p.ReadOptionalText(new(string))
		case "failed_details":
			details = p.ReadOptionalText(new(string))
		default:
			p.SkipValue()
		}
	})
	i.Failure = newFailure(reason, details, failed)
	return &i.Instance
}

// readLoadBalancers reads a list of modify_lb and returns it and its length. It returns the length only if the list is not wanted. A string
// is the listener of a classic load balancer.
func readLoadBalancers(p *wirejson.Scanner, wanted, failed bool) (list []*LoadBalancerChange, n int32) {
	if !wanted {
		return nil, p.SkipList()
	}
	p.ReadList(func() { list = append(list, readLoadBalancer(p, failed)) },
		func(name string) {
			list = append(list, &LoadBalancerChange{ClassicListener: &name, Failure: newFailure(nil, nil, failed)})
		})
	return list, int32(len(list))
}

func readLoadBalancer(p *wirejson.Scanner, failed bool) *LoadBalancerChange {
	if p.Peek() != '{' {
		return &LoadBalancerChange{ClassicListener: p.ReadOptionalText(new(string)), Failure: newFailure(nil, nil, failed)}
	}
	var c LoadBalancerChange
	var reason, details *string
	p.Object(func(key string) {
		switch key {
		case "lbaas_listener":
			c.LbaasListener = readListener(p)
		case "listener":
			c.ClassicListener = p.ReadOptionalText(new(string))
		case "failed_reason":
			reason = p.ReadOptionalText(new(string))
		case "failed_details":
			details = p.ReadOptionalText(new(string))
		default:
			p.SkipValue()
		}
	})
	c.Failure = newFailure(reason, details, failed)
	return &c
}

func readListener(p *wirejson.Scanner) *LbaasListener {
	if p.Peek() != '{' {
		p.SkipValue()
		return nil
	}
	var l LbaasListener
	p.Object(func(key string) {
		switch key {
		case "listener_id":
			l.ListenerID = p.ReadOptionalText(new(string))
		case "pool_id":
			l.PoolID = p.ReadOptionalText(new(string))
		case "protocol_port":
			l.ProtocolPort = p.ReadInt32(new(int32))
		case "weight":
			l.Weight = p.ReadInt32(new(int32))
		default:
			p.SkipValue()
		}
	})
	return &l
}

// newFailure returns nil if nothing failed: the list is not a list of failures, and no reason was sent.
func newFailure(reason, details *string, failed bool) *Failure {
	blank := func(s *string) bool { return s == nil || *s == "" }
	if !failed && blank(reason) && blank(details) {
		return nil
	}
	return &Failure{Reason: reason, Details: details}
}
