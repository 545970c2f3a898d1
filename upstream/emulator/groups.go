package emulator

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The documented states of a group.
const (
	GroupInService = "INSERVICE"
	GroupPaused    = "PAUSED"
	GroupError     = "ERROR"
	GroupDeleting  = "DELETING"
	GroupFrozen    = "FREEZED"
)

// GroupStatuses returns the documented states.
func GroupStatuses() []string {
	return []string{GroupInService, GroupPaused, GroupError, GroupDeleting, GroupFrozen}
}

// Group has the attributes of a group that do not follow from its activity log and its instances. Those that do are the current size,
// is_scaling, activity_type and detail. Callers must not change its slices after passing them to the emulator.
type Group struct {
	ID                string
	Name              string // empty: the ID
	Status            string // empty: INSERVICE
	Min, Max, Desire  int
	Cooldown          int // seconds
	ConfigID          string
	ConfigName        string
	Zones             []string
	VPC               string
	Networks          []string // ids; sent with white space around them, if any
	SecurityGroups    []string
	Enhanced          []Listener
	Classic           []string // ids of classic listeners
	HealthCheck       string   // empty: NOVA_AUDIT
	HealthInterval    int      // minutes
	HealthGrace       int      // seconds
	Termination       string   // empty: OLD_CONFIG_OLD_INSTANCE
	EnterpriseProject string   // empty: "0"
	Description       string
	Tags              []Tag // nil: not sent
	Created           time.Time

	// Extra replaces members of the JSON object by name or adds some. A nil value leaves the member out.
	Extra map[string]json.RawMessage
}

// Tag is one label of a group.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// normal returns the group with defaults filled in.
func (g Group) normal() Group {
	orDefault(&g.Name, g.ID)
	orDefault(&g.Status, GroupInService)
	orDefault(&g.HealthCheck, "NOVA_AUDIT")
	orDefault(&g.Termination, "OLD_CONFIG_OLD_INSTANCE")
	orDefault(&g.EnterpriseProject, "0")
	if g.Created.IsZero() {
		g.Created = time.Now()
	}
	g.Created = g.Created.UTC().Truncate(time.Second)
	return g
}

func orDefault(value *string, otherwise string) {
	if *value == "" {
		*value = otherwise
	}
}

// PutGroup adds a group, or replaces the attributes of an existing one without changing its log, instances and policies.
func (e *Emulator) PutGroup(project string, g Group) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.group(project, g.ID).info = g.normal()
	e.seq++
}

// UpdateGroup changes the attributes of a group and reports whether it exists. Changes of the id are ignored.
func (e *Emulator) UpdateGroup(project, id string, change func(*Group)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logs[place{project, id}]
	if !ok {
		return false
	}
	g := l.info
	change(&g)
	g.ID = id
	l.info = g.normal()
	e.seq++
	return true
}

// Groups returns the groups of a project in the order of their ids.
func (e *Emulator) Groups(project string) []Group {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var list []Group
	for at, l := range e.logs {
		if at.project == project {
			list = append(list, l.info)
		}
	}
	slices.SortFunc(list, func(a, b Group) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// groupFilter is the filter of a list of groups.
type groupFilter struct {
	values url.Values
	status string
	none   bool // an unknown value that matches nothing, see UnknownEmpty
}

func (e *Emulator) listGroups(t target, g grant, values url.Values, req *Request) ([]byte, *refusal) {
	status, known, no := e.oneOf(values, "scaling_group_status", GroupStatuses(), "AS.2020")
	if no != nil {
		return nil, no
	}
	l, no := e.paging(listing{name: "scaling_groups", offsetCode: "AS.1001", limitCode: "AS.1002", listFirst: true}, values, req)
	if no != nil {
		return nil, no
	}
	f := groupFilter{values, status, !known}
	e.mu.RLock()
	defer e.mu.RUnlock()
	var items []item
	for at, log := range e.logs {
		if at.project == t.project && g.sees(log.info) && e.passes(f, log.info) {
			items = append(items, item{id: log.info.ID, created: log.info.Created, seq: log.created, json: e.encodeGroup(log)})
		}
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.id, b.id) }) // a map has no order
	return e.respond(l, items, req), nil
}

func (e *Emulator) passes(f groupFilter, g Group) bool {
	v := f.values
	enterprise := v.Get("enterprise_project_id")
	switch {
	case f.none,
		f.status != "" && f.status != g.Status,
		!e.fuzzy(g.Name, v.Get("scaling_group_name")),
		v.Has("scaling_configuration_id") && v.Get("scaling_configuration_id") != g.ConfigID,
		enterprise != "" && enterprise != "all_granted_eps" && enterprise != g.EnterpriseProject:
		return false
	}
	return true
}

func (e *Emulator) showGroup(t target, g grant, req *Request) ([]byte, *refusal) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	l, no := e.visible(t, g)
	if no != nil {
		return nil, no
	}
	return e.single("scaling_group", l.info.ID, e.encodeGroup(l), req), nil
}

// encodeGroup returns a group as JSON. The lock is held.
func (e *Emulator) encodeGroup(l *log) []byte {
	g := l.info
	o := object{}
	o.add("networks", networks(g.Networks))
	o.add("available_zones", orEmpty(g.Zones))
	e.addOptional(&o, "detail", e.detail(l))
	o.add("scaling_group_name", g.Name)
	o.add("scaling_group_id", g.ID)
	o.add("scaling_group_status", g.Status)
	e.addOptional(&o, "scaling_configuration_id", g.ConfigID)
	e.addOptional(&o, "scaling_configuration_name", g.ConfigName)
	o.add("current_instance_number", len(l.members))
	o.add("desire_instance_number", g.Desire)
	o.add("min_instance_number", g.Min)
	o.add("max_instance_number", g.Max)
	o.add("cool_down_time", g.Cooldown)
	e.addOptional(&o, "lb_listener_id", strings.Join(g.Classic, ","))
	if len(g.Enhanced) > 0 {
		o.add("lbaas_listeners", g.Enhanced)
	} else {
		e.missingMember(&o, "lbaas_listeners", "")
	}
	o.add("security_groups", identified(g.SecurityGroups))
	o.add("create_time", g.Created.Format(timeLayout))
	o.add("vpc_id", g.VPC)
	o.add("health_periodic_audit_method", g.HealthCheck)
	e.addAuditTime(&o, g.HealthInterval)
	o.add("health_periodic_audit_grace_period", g.HealthGrace)
	o.add("instance_terminate_policy", g.Termination)
	e.addScaling(&o, l)
	o.add("notifications", []string{})
	o.add("delete_publicip", false)
	o.add("enterprise_project_id", g.EnterpriseProject)
	o.add("multi_az_priority_policy", "EQUILIBRIUM_DISTRIBUTE")
	addText(&o, "description", g.Description)
	if g.Tags != nil {
		o.add("tags", g.Tags)
	}
	return extend(o.bytes(), g.Extra)
}

func (e *Emulator) addAuditTime(o *object, minutes int) {
	if e.sw.AuditTime == AuditTimeText {
		o.add("health_periodic_audit_time", strconv.Itoa(minutes))
		return
	}
	o.add("health_periodic_audit_time", minutes)
}

// addScaling adds is_scaling, which is true if the log has a row in progress, and activity_type.
func (e *Emulator) addScaling(o *object, l *log) {
	running := l.rows(class{every, Doing})
	o.add("is_scaling", len(running) > 0)
	if len(running) == 0 {
		e.missingMember(o, "activity_type", "")
		return
	}
	o.add("activity_type", spelled(running[len(running)-1].row.Type, e.sw.Spelling))
}

// detail returns the reason of the newest failure if the group is in ERROR, or PAUSED with DetailRetained; else an empty string.
func (e *Emulator) detail(l *log) string {
	retained := e.sw.PausedDetail == DetailRetained && l.info.Status == GroupPaused
	if l.info.Status != GroupError && !retained {
		return ""
	}
	failed := l.rows(class{every, Fail})
	if len(failed) == 0 {
		return ""
	}
	return firstReason(failed[len(failed)-1].row)
}

// firstReason returns the first failed_reason of a row.
func firstReason(r Row) string {
	for _, in := range r.Failed {
		if in.FailedReason != "" {
			return in.FailedReason
		}
	}
	for _, lb := range slices.Concat(r.BindFailed, r.UnbindFailed) {
		if lb.FailedReason != "" {
			return lb.FailedReason
		}
	}
	return ""
}

type identity struct {
	ID string `json:"id"`
}

func identified(ids []string) []identity {
	list := make([]identity, len(ids))
	for i, id := range ids {
		list[i].ID = id
	}
	return list
}

type network struct {
	ID        string   `json:"id"`
	IPv6      bool     `json:"ipv6_enable"`
	Bandwidth identity `json:"ipv6_bandwidth"`
}

func networks(ids []string) []network {
	list := make([]network, len(ids))
	for i, id := range ids {
		list[i].ID = id
	}
	return list
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
