package emulator

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The documented states of an execution. A success is Success, as an activity's.
const (
	ExecutionFail = "FAIL"
	Executing     = "EXECUTING"
)

// The documented triggers, in the spelling of filters.
const (
	TriggerAlarm      = "ALARM"
	TriggerScheduled  = "SCHEDULED"
	TriggerRecurrence = "RECURRENCE"
	TriggerManual     = "MANUAL"
)

// Execution is one entry of the execution log of a policy.
type Execution struct {
	ID           string // empty: derived
	Status       string // empty: SUCCESS
	FailedReason string // empty: no member
	Trigger      string // empty: that of the policy's type
	Time         time.Time
	Old, Desire  int
	Limit        int
	Operation    string // empty: that of the policy
	Jobs         []Job  // nil: one job that changes the number of instances

	// Extra replaces members of the JSON object by name or adds some. A nil value leaves the member out.
	Extra map[string]json.RawMessage

	seq uint64 // order of insertion; a replacement has the number of the replaced entry
}

// Job is one step of an execution. Empty fields but the first three are absent.
type Job struct {
	Name     string `json:"job_name"`
	Type     string `json:"record_type"` // API, or MEG for a message
	Time     string `json:"record_time"`
	Request  string `json:"request,omitempty"`
	Response string `json:"response,omitempty"`
	Code     string `json:"code,omitempty"`    // of API
	Message  string `json:"message,omitempty"` // of MEG
	Status   string `json:"job_status"`
}

// PutExecutions adds entries to the log of a policy and reports whether the policy exists. An entry with an existing id replaces that entry.
func (e *Emulator) PutExecutions(project, policy string, list ...Execution) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.policies[place{project, policy}]
	if !ok {
		return false
	}
	for _, x := range list {
		e.putExecution(project, p, x)
	}
	return true
}

// putExecution returns the entry as it was stored. The lock is held.
func (e *Emulator) putExecution(project string, p *policyState, x Execution) Execution {
	e.seq++
	orDefault(&x.ID, DeriveID(project, p.ID, e.seq))
	orDefault(&x.Status, Success)
	orDefault(&x.Trigger, p.Type)
	orDefault(&x.Operation, p.Operation)
	x.Time = x.Time.UTC().Truncate(time.Second)
	x.seq = e.seq
	p.ordered.Store(nil)
	if i, ok := p.index[x.ID]; ok {
		x.seq = p.executions[i].seq
		p.executions[i] = x
		return x
	}
	p.index[x.ID] = len(p.executions)
	p.executions = append(p.executions, x)
	return x
}

// ExpireExecutions deletes the entries before a time, as retention does, and returns their number.
func (e *Emulator) ExpireExecutions(project, policy string, before time.Time) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.policies[place{project, policy}]
	if !ok {
		return 0
	}
	n := len(p.executions)
	p.ordered.Store(nil)
	p.executions = slices.DeleteFunc(slices.Clone(p.executions), func(x Execution) bool { return x.Time.Before(before) })
	clear(p.index)
	for i, x := range p.executions {
		p.index[x.ID] = i
	}
	e.seq++
	return n - len(p.executions)
}

// ExecutionLog returns the execution log of a policy in the order of responses; nil if there is no such policy.
func (e *Emulator) ExecutionLog(project, policy string) []Execution {
	e.mu.RLock()
	defer e.mu.RUnlock()
	p, ok := e.policies[place{project, policy}]
	if !ok {
		return nil
	}
	return slices.Clone(e.orderedExecutions(p))
}

// orderedExecutions returns the log, newest first, and sorted by Switches.Ties inside one second. The result must not be changed. The lock is held, for
// reading at least.
func (e *Emulator) orderedExecutions(p *policyState) []Execution {
	if list := p.ordered.Load(); list != nil {
		return *list
	}
	list := slices.Clone(p.executions)
	if e.sw.Ties == TiesUnstable {
		e.ties.shuffleAll(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	slices.SortStableFunc(list, func(a, b Execution) int {
		return cmp.Or(b.Time.Compare(a.Time), e.compareTied(a, b))
	})
	if e.sw.Ties != TiesUnstable {
		p.ordered.Store(&list)
	}
	return list
}

func (e *Emulator) compareTied(a, b Execution) int {
	switch e.sw.Ties {
	case TiesUnstable:
		return 0
	case TiesOldestFirst:
		return cmp.Compare(a.seq, b.seq)
	case TiesByID:
		return strings.Compare(a.ID, b.ID)
	default:
		return cmp.Compare(b.seq, a.seq)
	}
}

// executionFilter is the filter of an execution log.
type executionFilter struct {
	Filter
	trigger, resource, resourceType string
	unknown                         bool // whether a parameter has a value of which there is none
}

func (e *Emulator) executionFilter(values url.Values) (executionFilter, *refusal) {
	var f executionFilter
	for name, at := range map[string]*time.Time{"start_time": &f.Start, "end_time": &f.End} {
		if !values.Has(name) {
			continue
		}
		if no := readTime(at, values.Get(name), "AS.9007", name); no != nil {
			return f, no
		}
	}
	f.LogID = values.Get("log_id")
	if values.Has("log_id") && !idForm.MatchString(f.LogID) {
		return f, bad("AS.9010", "The log_id is invalid.")
	}
	f.resource = values.Get("scaling_resource_id")
	if values.Has("scaling_resource_id") && !resourceForm.MatchString(f.resource) {
		return f, bad("AS.9011", "The scaling_resource_id is invalid.")
	}
	var no *refusal
	var known bool
	if f.resourceType, known, no = e.oneOf(values, "scaling_resource_type", []string{ResourceGroup, ResourceBandwidth}, "AS.3037"); no != nil {
		return f, no
	}
	f.trigger = values.Get("execute_type")
	triggers := []string{TriggerAlarm, TriggerScheduled, TriggerRecurrence, TriggerManual}
	f.unknown = !known || values.Has("execute_type") && !slices.Contains(triggers, f.trigger) // no code is documented
	return f, nil
}

// none reports whether no execution of a policy passes.
func (f *executionFilter) none(p *Policy) bool {
	return f.unknown || f.resource != "" && f.resource != p.Resource || f.resourceType != "" && f.resourceType != p.ResourceType
}

func (f *executionFilter) passes(x *Execution, sw *Switches) bool {
	return (f.LogID == "" || f.LogID == x.ID) &&
		(f.trigger == "" || f.trigger == x.Trigger) &&
		(f.Start.IsZero() || notBefore(x.Time.Unix(), f.Start.Unix(), *sw)) &&
		(f.End.IsZero() || notAfter(x.Time.Unix(), f.End.Unix(), *sw))
}

func (e *Emulator) listExecutions(t target, g grant, values url.Values, req *Request) ([]byte, *refusal) {
	l, no := e.paging(listing{name: "scaling_policy_execute_log", offsetCode: "AS.9008", limitCode: "AS.9009",
		listFirst: true, ordered: true}, values, req)
	if no != nil {
		return nil, no
	}
	f, no := e.executionFilter(values)
	if no != nil {
		return nil, no
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	p, no := e.visiblePolicy(t, g)
	if no != nil {
		return nil, no
	}
	if f.none(&p.Policy) {
		return e.respond(l, nil, req), nil
	}
	var matching []*Execution
	for list, i := e.orderedExecutions(p), 0; i < len(list); i++ {
		if f.passes(&list[i], &e.sw) {
			matching = append(matching, &list[i])
		}
	}
	items := make([]item, len(matching)) // only those that are shown are encoded
	for i := min(l.offset, len(items)); i < min(l.offset+l.limit, len(items)); i++ {
		items[i] = item{id: matching[i].ID, json: e.encodeExecution(t.project, p.Policy, matching[i])}
	}
	return e.respond(l, items, req), nil
}

func (e *Emulator) encodeExecution(project string, p Policy, x *Execution) []byte {
	var o object
	o.add("id", x.ID)
	o.add("status", x.Status)
	addText(&o, "failed_reason", x.FailedReason)
	o.add("execute_type", e.spelledTrigger(x.Trigger))
	o.add("execute_time", x.Time.Format(timeLayout))
	o.add("tenant_id", project)
	o.add("scaling_policy_id", p.ID)
	o.add("scaling_resource_type", p.ResourceType)
	o.add("scaling_resource_id", p.Resource)
	o.add("old_value", strconv.Itoa(x.Old))
	o.add("desire_value", strconv.Itoa(x.Desire))
	o.add("limit_value", strconv.Itoa(x.Limit))
	o.add("type", x.Operation)
	o.add("job_records", x.jobs())
	o.add("meta_data", struct{}{})
	return extend(o.bytes(), x.Extra)
}

func (e *Emulator) spelledTrigger(trigger string) string {
	if trigger == TriggerScheduled && e.sw.TriggerSpelling == TriggerSchedule {
		return "SCHEDULE"
	}
	return trigger
}

// jobs returns the jobs of an execution. The default is the job of the sample.
func (x *Execution) jobs() []Job {
	if x.Jobs != nil {
		return x.Jobs
	}
	status := Success
	if x.Status == ExecutionFail {
		status = Fail
	}
	return []Job{{
		Name: "ADJUST_VM_NUMBERS", Type: "MEG", Time: x.Time.Format(timeLayout), Message: "modify desire number of scaling group", Status: status,
	}}
}
