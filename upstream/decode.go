package upstream

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// page is a decoded answer.
type page struct {
	rows    []*Activity // nil where a row has no id or start time
	leftOut int         // how many are nil
	total   int
}

// decodePage reads an answer strictly where a mistake would shift rows, and leniently within a row: a member that is not as
// documented is left out or kept as text, and never costs the row, let alone the page.
func decodePage(body string, q ListQuery) (page, error) {
	p := &scanner{s: validText(body)}
	var total gjson.Result
	var l listed
	member := func(name string) {
		switch name {
		case "total_number":
			total = p.result()
		case "scaling_activity_log":
			l = readRows(p, q)
		default:
			p.value()
		}
	}
	if p.peek() == '{' {
		p.object(member)
	} else {
		p.value()
	}
	if !p.done() {
		return page{}, errors.New("not JSON, or cut off")
	}
	return makePage(total, l, q)
}

// validText puts a replacement character in the place of what is no UTF-8. To look first is several times as fast where all is.
func validText(s string) string {
	s = strings.TrimPrefix(s, "\uFEFF") // RFC 8259 lets parsers ignore a byte order mark
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func makePage(total gjson.Result, l listed, q ListQuery) (page, error) {
	n := number(total)
	switch {
	case n == nil || *n < 0:
		return page{}, errors.New("total_number is no count")
	case l.wrong:
		return page{}, errors.New("scaling_activity_log is no list")
	case len(l.rows) > q.Limit:
		// An upstream that does not heed limit need not heed start_number: nobody knows which rows these are.
		return page{}, fmt.Errorf("more than the %d rows asked for", q.Limit)
	}
	p := page{rows: l.rows, total: int(*n)}
	for _, row := range p.rows {
		if row == nil {
			p.leftOut++
		}
	}
	if len(p.rows) > 0 {
		// A row that joined between the upstream's counting and its listing is counted by us.
		p.total = max(p.total, q.Offset+len(p.rows))
	}
	return p, nil
}

// listed is what stood for the list of rows.
type listed struct {
	rows  []*Activity
	wrong bool // it is no list
}

// readRows reads a list of rows, at most one more than was asked for; null holds none.
func readRows(p *scanner, q ListQuery) listed {
	switch p.peek() {
	case '[':
	case 'n':
		p.value()
		return listed{}
	default:
		p.value()
		return listed{wrong: true}
	}
	rows := make([]*Activity, 0, q.Limit)
	p.array(func() {
		if len(rows) > q.Limit {
			p.value()
			return
		}
		rows = append(rows, decodeRow(p, q))
	})
	return listed{rows: rows}
}

// rowMemory is a row with all that it needs to point at, made in one go.
type rowMemory struct {
	Activity

	instanceValue, desireValue, scalingValue int32

	description string
}

// decodeRow returns nil where the row has no id or start time: it has no place in the log then.
func decodeRow(p *scanner, q ListQuery) *Activity {
	if p.peek() != '{' {
		p.value()
		return nil
	}
	a := &rowMemory{Activity: Activity{Group: q.Group, Type: TypeUnknown, Status: StatusUnknown}}
	a.Details.Sections = q.Sections
	if q.Sections == AllSections {
		// One copy for all texts of the row, so that a row that is kept alone does not keep the whole page. Who does not ask for
		// all of it does not keep it.
		own := &scanner{s: strings.Clone(p.value()), scratch: p.scratch}
		own.object(func(name string) { a.read(own, name) })
		a.Held = int32(len(own.s) + own.copied)
		p.scratch = own.scratch
	} else {
		p.object(func(name string) { a.read(p, name) })
	}
	if a.LogID == "" || a.StartTime.IsZero() {
		return nil
	}
	if a.Status == StatusDoing {
		a.EndTime = time.Time{} // whatever was sent: it has not ended
	}
	return &a.Activity
}

// read takes one member of a row; unknown ones are ignored.
func (a *rowMemory) read(p *scanner, key string) {
	switch key {
	case "id":
		a.LogID = p.identifier()
	case "type":
		a.RawType, a.Type = readType(p.anything())
	case "status":
		a.RawStatus, a.Status = readStatus(p.anything())
	case "start_time":
		a.StartTime = p.instant()
	case "end_time":
		a.EndTime = p.instant()
	case "instance_value":
		a.InstanceValue = p.integer(&a.instanceValue)
	case "desire_value":
		a.DesireValue = p.integer(&a.desireValue)
	case "scaling_value":
		a.ScalingValue = p.integer(&a.scalingValue)
	case "description":
		if !a.Details.Sections.Has(SectionDescriptions) {
			p.value()
			return
		}
		a.Description = p.optionalText(&a.description)
	default:
		a.readList(p, key)
	}
}

// readList takes one of the heavy lists. Of one in a section that nobody asked for only the length is read: to take the lists apart
// is most of the work on a page.
func (a *rowMemory) readList(p *scanner, key string) {
	d, n := &a.Details, &a.Lengths
	moved, failed, balanced := d.Sections.Has(SectionInstances), d.Sections.Has(SectionFailures), d.Sections.Has(SectionLoadBalancers)
	switch key {
	case "instance_added_list":
		d.Added, n.Added = p.instances(moved, false)
	case "instance_removed_list":
		d.Removed, n.Removed = p.instances(moved, false)
	case "instance_deleted_list":
		d.Deleted, n.Deleted = p.instances(moved, false)
	case "instance_standby_list":
		d.Standby, n.Standby = p.instances(moved, false)
	case "instance_failed_list":
		d.Failed, n.Failed = p.instances(failed, true)
	case "lb_bind_success_list":
		d.Bound, n.Bound = p.changes(balanced, false)
	case "lb_bind_failed_list":
		d.BindFailed, n.BindFailed = p.changes(balanced, true)
	case "lb_unbind_success_list":
		d.Unbound, n.Unbound = p.changes(balanced, false)
	case "lb_unbind_failed_list":
		d.UnbindFailed, n.UnbindFailed = p.changes(balanced, true)
	default:
		p.value()
	}
}
