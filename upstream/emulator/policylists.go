package emulator

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

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

// policyFilter is the filter of a list of policies. The last six fields are for the list of a project.
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

// matchPolicies returns the policies that match a filter and a grant, sorted by id. The lock is held.
func (e *Emulator) matchPolicies(t target, g grant, f policyFilter) []item {
	var items []item
	for key, p := range e.policies {
		if key.project == t.project && e.passesPolicy(t.project, g, f, p.Policy) {
			items = append(items, item{id: p.ID, created: p.Created, seq: p.seq, json: encodePolicy(p.Policy, t.v2)})
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

// visiblePolicy returns an existing policy whose group the grant covers. V1 has policies of groups only. The lock is held.
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

// encodePolicy returns a policy as JSON of API version 1 or 2.
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

// encodeAction returns an action as JSON. V2 has other member names and REDUCE instead of REMOVE.
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
