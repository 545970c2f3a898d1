package emulator

import (
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The documented types, states and operations of a policy, and the types of what it changes.
const (
	PolicyAlarm      = "ALARM"
	PolicyScheduled  = "SCHEDULED"
	PolicyRecurrence = "RECURRENCE"

	PolicyInService = "INSERVICE"
	PolicyPaused    = "PAUSED"
	PolicyExecuting = "EXECUTING"

	OperationAdd    = "ADD"
	OperationRemove = "REMOVE" // V2 shows REDUCE
	OperationSet    = "SET"

	ResourceGroup     = "SCALING_GROUP"
	ResourceBandwidth = "BANDWIDTH"
)

// Policy is a rule that changes the size of a group, or of a bandwidth. Type SCHEDULED and RECURRENCE need a Schedule.
type Policy struct {
	ID           string
	Name         string // need not be unique
	Resource     string // id of the group or the bandwidth
	ResourceType string // empty: SCALING_GROUP
	Type         string // empty: ALARM
	Status       string // empty: INSERVICE
	Alarm        string // id of the alarm rule; for ALARM only
	Schedule     *Schedule
	Operation    string // empty: ADD
	Instances    int
	Percentage   int // 0: not sent
	Cooldown     int // seconds
	Description  string
	Created      time.Time

	// Extra replaces members of the JSON object by name or adds some. A nil value leaves the member out.
	Extra map[string]json.RawMessage
}

// Schedule says when a policy fires. Empty fields are null; only launch_time is sent for a policy of type SCHEDULED.
type Schedule struct {
	Launch string // YYYY-MM-DDThh:mmZ, or hh:mm if recurring
	Type   string // Daily, Weekly, Monthly
	Value  string
	Start  string // YYYY-MM-DDThh:mmZ
	End    string
}

// policyState is a policy with its execution log.
type policyState struct {
	Policy
	seq        uint64
	executions []Execution // oldest first by insertion
}

func (p Policy) normal() Policy {
	orDefault(&p.Name, p.ID)
	orDefault(&p.ResourceType, ResourceGroup)
	orDefault(&p.Type, PolicyAlarm)
	orDefault(&p.Status, PolicyInService)
	orDefault(&p.Operation, OperationAdd)
	if p.Created.IsZero() {
		p.Created = time.Now()
	}
	p.Created = p.Created.UTC().Truncate(time.Second)
	return p
}

// PutPolicies adds policies to a project, or replaces the attributes of those that are there; their execution logs stay.
func (e *Emulator) PutPolicies(project string, policies ...Policy) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range policies {
		e.seq++
		key := place{project, p.ID}
		if old, ok := e.policies[key]; ok {
			old.Policy = p.normal()
			continue
		}
		e.policies[key] = &policyState{Policy: p.normal(), seq: e.seq}
	}
}

// UpdatePolicy changes the attributes of a policy and reports whether it was there. The id stays.
func (e *Emulator) UpdatePolicy(project, id string, change func(*Policy)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.policies[place{project, id}]
	if !ok {
		return false
	}
	changed := p.Policy
	change(&changed)
	changed.ID = id
	p.Policy = changed.normal()
	e.seq++
	return true
}

// RemovePolicy deletes a policy with its execution log and reports whether it was there.
func (e *Emulator) RemovePolicy(project, id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.policies[place{project, id}]
	delete(e.policies, place{project, id})
	e.seq++
	return ok
}

// removePolicies deletes the policies of a group that was deleted. The lock is held.
func (e *Emulator) removePolicies(group place) {
	for key, p := range e.policies {
		if key.project == group.project && p.ResourceType == ResourceGroup && p.Resource == group.group {
			delete(e.policies, key)
		}
	}
}

// Policies returns the policies of a project in the order of their ids.
func (e *Emulator) Policies(project string) []Policy {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var list []Policy
	for key, p := range e.policies {
		if key.project == project {
			list = append(list, p.Policy)
		}
	}
	slices.SortFunc(list, func(a, b Policy) int { return strings.Compare(a.ID, b.ID) })
	return list
}

func (e *Emulator) listGroupPolicies(t target, g grant, values url.Values, req *Request) ([]byte, *refusal) {
	f, l, no := e.policyParameters(values, req)
	if no != nil {
		return nil, no
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if _, no := e.visible(t, g); no != nil {
		if t.v2 && no.code == "AS.2007" {
			return nil, bad("AS.3042", "The resource does not exist.")
		}
		return nil, no
	}
	f.group = t.group
	return e.respond(l, e.matchPolicies(t, g, f), req), nil
}

func (e *Emulator) listProjectPolicies(t target, g grant, values url.Values, req *Request) ([]byte, *refusal) {
	f, l, no := e.policyParameters(values, req)
	if no != nil {
		return nil, no
	}
	if no := e.projectPolicyParameters(values, &f); no != nil {
		return nil, no
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	items := e.matchPolicies(t, g, f)
	if f.sortBy != "" {
		e.sortPolicies(t.project, items, f)
		l.ordered = true
	}
	return e.respond(l, items, req), nil
}

// policyFilter is what lists of policies can filter by. The last five are for the list of a project.
type policyFilter struct {
	name, kind, id string
	group          string
	none           bool

	resource, resourceType, alarm, enterprise string
	sortBy                                    string
	descending                                bool
}

func (e *Emulator) policyParameters(values url.Values, req *Request) (policyFilter, listing, *refusal) {
	kind, known, no := e.oneOf(values, "scaling_policy_type", []string{PolicyAlarm, PolicyScheduled, PolicyRecurrence}, "AS.3002")
	if no != nil {
		return policyFilter{}, listing{}, no
	}
	f := policyFilter{name: values.Get("scaling_policy_name"), kind: kind, id: values.Get("scaling_policy_id"), none: !known}
	l, no := e.paging(listing{name: "scaling_policies", offsetCode: "AS.1001", limitCode: "AS.1002"}, values, req)
	return f, l, no
}

var resourceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (e *Emulator) projectPolicyParameters(values url.Values, f *policyFilter) *refusal {
	var known bool
	var no *refusal
	if f.resourceType, known, no = e.oneOf(values, "scaling_resource_type", []string{ResourceGroup, ResourceBandwidth}, "AS.3037"); no != nil {
		return no
	}
	f.none = f.none || !known
	f.resource = values.Get("scaling_resource_id")
	if values.Has("scaling_resource_id") && !resourceForm.MatchString(f.resource) {
		return bad("AS.3055", "The scaling_resource_id is malformed.")
	}
	f.alarm, f.enterprise = values.Get("alarm_id"), values.Get("enterprise_project_id")
	f.sortBy = values.Get("sort_by")
	if values.Has("sort_by") && !slices.Contains([]string{"POLICY_NAME", "TRIGGER_CONDITION", "CREATE_TIME"}, f.sortBy) {
		return bad("AS.3057", "The sort_by is invalid.")
	}
	order := values.Get("order")
	if values.Has("order") && order != "ASC" && order != "DESC" {
		return bad("AS.3058", "The order is invalid.")
	}
	f.descending = order == "DESC"
	return nil
}

// matchPolicies returns the policies that a filter and a grant let through, in the order of their ids. The lock is held.
func (e *Emulator) matchPolicies(t target, g grant, f policyFilter) []item {
	var items []item
	for key, p := range e.policies {
		if key.project == t.project && e.passesPolicy(t.project, g, f, p.Policy) {
			items = append(items, item{p.ID, p.Created, p.seq, encodePolicy(p.Policy, t.v2)})
		}
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.id, b.id) })
	return items
}

func (e *Emulator) passesPolicy(project string, g grant, f policyFilter, p Policy) bool {
	ofGroup := p.ResourceType == ResourceGroup
	switch {
	case f.none,
		!e.fuzzy(p.Name, f.name),
		f.kind != "" && f.kind != p.Type,
		f.id != "" && f.id != p.ID,
		f.group != "" && (!ofGroup || f.group != p.Resource),
		f.resource != "" && f.resource != p.Resource,
		f.resourceType != "" && f.resourceType != p.ResourceType,
		f.alarm != "" && f.alarm != p.Alarm:
		return false
	}
	var owner Group
	if l, ok := e.logs[place{project, p.Resource}]; ok && ofGroup {
		owner = l.info
	} else {
		owner.EnterpriseProject = "0"
	}
	inEnterprise := f.enterprise == "" || f.enterprise == "all_granted_eps" || f.enterprise == owner.EnterpriseProject
	return inEnterprise && g.sees(owner)
}

func (e *Emulator) sortPolicies(project string, items []item, f policyFilter) {
	get := func(it item) Policy { return e.policies[place{project, it.id}].Policy }
	slices.SortStableFunc(items, func(x, y item) int {
		a, b := get(x), get(y)
		var c int
		switch f.sortBy {
		case "POLICY_NAME":
			c = strings.Compare(a.Name, b.Name)
		case "CREATE_TIME":
			c = a.Created.Compare(b.Created)
		default:
			c = cmp.Or(cmp.Compare(b.alarmRank(), a.alarmRank()), strings.Compare(b.launch(), a.launch()))
		}
		if f.descending {
			return -c
		}
		return c
	})
}

func (p Policy) alarmRank() int {
	if p.Type == PolicyAlarm {
		return 1
	}
	return 0
}

func (p Policy) launch() string {
	if p.Schedule == nil {
		return ""
	}
	return p.Schedule.Launch
}

func (e *Emulator) showPolicy(t target, g grant, req *Request) ([]byte, *refusal) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	p, no := e.visiblePolicy(t, g)
	if no != nil {
		return nil, no
	}
	return e.single("scaling_policy", p.ID, encodePolicy(p.Policy, t.v2), req), nil
}

// visiblePolicy returns a policy that exists and whose group the grant covers. V1 knows only policies of groups. The lock is held.
func (e *Emulator) visiblePolicy(t target, g grant) (*policyState, *refusal) {
	unknown := bad("AS.3020", "The scaling policy does not exist.")
	p, ok := e.policies[place{t.project, t.policy}]
	if !ok || t.call == ShowPolicy && !t.v2 && p.ResourceType != ResourceGroup {
		return nil, unknown
	}
	if p.ResourceType != ResourceGroup {
		return p, nil
	}
	t.group = p.Resource
	if _, ok := e.logs[t.place]; !ok {
		return p, nil
	}
	if _, no := e.visible(t, g); no != nil {
		if no.code == "AS.2007" {
			return nil, unknown
		}
		return nil, no
	}
	return p, nil
}

// encodePolicy writes a policy as one of the two versions has it.
func encodePolicy(p Policy, v2 bool) []byte {
	var o object
	o.add("scaling_policy_id", p.ID)
	o.add("scaling_policy_name", p.Name)
	if v2 {
		o.add("scaling_resource_id", p.Resource)
		o.add("scaling_resource_type", p.ResourceType)
	} else {
		o.add("scaling_group_id", p.Resource)
	}
	o.add("policy_status", p.Status)
	o.add("scaling_policy_type", p.Type)
	addText(&o, "alarm_id", p.Alarm)
	if p.Schedule != nil {
		o.raw("scheduled_policy", encodeSchedule(p))
	}
	o.raw("scaling_policy_action", encodeAction(p, v2))
	o.add("cool_down_time", p.Cooldown)
	o.add("create_time", p.Created.Format(timeLayout))
	if v2 {
		addText(&o, "description", p.Description)
	}
	return extend(o.bytes(), p.Extra)
}

func encodeSchedule(p Policy) []byte {
	var o object
	o.add("launch_time", p.Schedule.Launch)
	if p.Type == PolicyScheduled {
		return o.bytes()
	}
	o.add("recurrence_type", p.Schedule.Type)
	addNullable(&o, "recurrence_value", p.Schedule.Value)
	addNullable(&o, "start_time", p.Schedule.Start)
	addNullable(&o, "end_time", p.Schedule.End)
	return o.bytes()
}

func addNullable(o *object, name, text string) {
	if text == "" {
		o.raw(name, []byte("null"))
		return
	}
	o.add(name, text)
}

// encodeAction uses the names of the version: V2 has other words for the same.
func encodeAction(p Policy, v2 bool) []byte {
	operation, size, percentage := p.Operation, "instance_number", "instance_percentage"
	if v2 {
		size, percentage = "size", "percentage"
		if operation == OperationRemove {
			operation = "REDUCE"
		}
	}
	var o object
	o.add("operation", operation)
	if p.Percentage > 0 {
		o.add(percentage, p.Percentage)
	} else {
		o.add(size, p.Instances)
	}
	return o.bytes()
}
