package emulator

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// page is the response of the activity log, its rows encoded.
type page struct {
	rows          [][]byte
	total         int
	offset, limit int
}

// listActivities responds to a call for an activity log.
func (e *Emulator) listActivities(t target, g grant, values url.Values, req *Request) ([]byte, *refusal) {
	q, no := e.parameters(values)
	if no != nil {
		return nil, no
	}
	e.record.update(func() { req.Offset, req.Limit = q.offset, q.limit })
	e.mu.RLock()
	defer e.mu.RUnlock()
	l, no := e.visible(t, g)
	if no != nil {
		return nil, no
	}
	var all []*entry
	if !q.none {
		all = l.match(q.filter, e.sw)
	}
	entries := e.window(all, q)
	p := page{total: len(all), offset: q.offset, limit: q.limit}
	for _, entry := range entries {
		p.rows = append(p.rows, entry.encoded(e.sw))
	}
	ids := func() []string {
		list := make([]string, len(entries))
		for i, entry := range entries {
			list[i] = entry.row.ID
		}
		return list
	}
	e.recordResponse(req, len(all), ids)
	if l.pretty {
		return indent(encodePage(p)), nil
	}
	return encodePage(p), nil
}

// visible returns the log of a group that exists and that the grant covers. The lock is held.
func (e *Emulator) visible(t target, g grant) (*log, *refusal) {
	l, ok := e.logs[t.place]
	switch {
	case !ok:
		return nil, e.unknownGroup(t.call)
	case e.sw.HiddenGroup == HiddenServed || g.sees(l.info):
		return l, nil
	case e.sw.HiddenGroup == HiddenUnknown:
		return nil, e.unknownGroup(t.call)
	}
	return nil, refuse(http.StatusForbidden, "AS.0011", "The user has no role in the enterprise project of the scaling group.")
}

func (e *Emulator) unknownGroup(c Call) *refusal {
	if c == Instances && e.sw.UnknownGroup == UnknownGroup4005 {
		return bad("AS.4005", "The scaling group does not exist.")
	}
	return bad("AS.2007", "The scaling group does not exist.")
}

// recordResponse records the state from which a response was computed and calls the OnResponse hook. ids is called only if there is a hook. The
// lock is held.
func (e *Emulator) recordResponse(req *Request, total int, ids func() []string) {
	seq := e.seq
	e.record.update(func() { req.Seq, req.Total = seq, total })
	h := e.onResponse.Load()
	if h == nil || *h == nil {
		return
	}
	(*h)(Response{Request: *req, IDs: ids()})
}

// window returns a page of the matching entries (oldest first) in reverse order.
func (e *Emulator) window(all []*entry, q activityQuery) []*entry {
	to := max(len(all)-q.offset, 0)
	from := max(to-q.limit, 0)
	if from == to {
		return nil
	}
	var out []*entry
	if e.sw.Ties == TiesUnstable {
		out = e.ties.window(all, from, to)
	} else {
		out = slices.Clone(all[from:to])
	}
	slices.Reverse(out)
	return out
}

// shuffler puts the rows of one second into a random order.
type shuffler struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (s *shuffler) seed(n uint64) { s.rng = rand.New(rand.NewPCG(n, n)) }

// window returns all[from:to] after shuffling the rows of each second that is in that range.
func (s *shuffler) window(all []*entry, from, to int) []*entry {
	lo, hi := from, to
	for lo > 0 && all[lo-1].second == all[from].second {
		lo--
	}
	for hi < len(all) && all[hi].second == all[to-1].second {
		hi++
	}
	out := slices.Clone(all[lo:hi])
	for start := 0; start < len(out); {
		end := start + 1
		for end < len(out) && out[end].second == out[start].second {
			end++
		}
		s.shuffle(out[start:end])
		start = end
	}
	return out[from-lo : to-lo]
}

func (s *shuffler) shuffle(run []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rng.Shuffle(len(run), func(i, j int) { run[i], run[j] = run[j], run[i] })
}

func (s *shuffler) shuffleAll(n int, swap func(i, j int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rng.Shuffle(n, swap)
}

const (
	timeLayout   = "2006-01-02T15:04:05Z"
	millisLayout = "2006-01-02T15:04:05.000Z"
)

// encodeRow returns a row as JSON with its members in the order of the sample.
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
	// Absent on the NORMAL row of the sample, so only the standby types have it.
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

// knownMembers are the members that encodeRow writes.
var knownMembers = []string{
	"id", "instance_value", "desire_value", "scaling_value", "start_time", "end_time",
	"instance_added_list", "instance_deleted_list", "instance_removed_list", "instance_failed_list", "instance_standby_list",
	"status", "lb_bind_success_list", "lb_bind_failed_list", "lb_unbind_success_list", "lb_unbind_failed_list",
	"description", "type",
}

// addUnknown adds undocumented members, sorted by name.
func addUnknown(o *object, r Row) {
	for _, name := range slices.Sorted(maps.Keys(r.Extra)) {
		if !slices.Contains(knownMembers, name) {
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

// encodePage returns the envelope as JSON with its members in the order of the sample.
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

// indent formats a body as the sample in the documents.
func indent(body []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return body
	}
	return b.Bytes()
}
