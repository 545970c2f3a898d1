package emulator

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"
)

// The documented states of an instance in its group, and of its health.
const (
	InService       = "INSERVICE"
	Pending         = "PENDING"
	PendingWait     = "PENDING_WAIT"
	Removing        = "REMOVING"
	RemovingWait    = "REMOVING_WAIT"
	Standby         = "STANDBY"
	EnteringStandby = "ENTERING_STANDBY"

	HealthInitializing = "INITIALIZING"
	HealthNormal       = "NORMAL"
	HealthError        = "ERROR"
)

// LifecycleStates returns the documented states of an instance.
func LifecycleStates() []string {
	return []string{InService, Pending, PendingWait, Removing, RemovingWait, Standby, EnteringStandby}
}

// Healths returns the documented results of health checks.
func Healths() []string { return []string{HealthInitializing, HealthNormal, HealthError} }

// AddedByHand is the configuration name of an instance that was added manually.
const AddedByHand = "MANNUAL_ADD"

// Member is an instance in a group.
type Member struct {
	ID         string // empty while it is being created
	Name       string // unique in the group
	State      string // empty: INSERVICE
	Health     string // empty: NORMAL
	ConfigID   string // empty: added manually
	ConfigName string // empty: the configuration was deleted
	Protected  bool
	Joined     time.Time

	// Extra replaces members of the JSON object by name or adds some. A nil value leaves the member out.
	Extra map[string]json.RawMessage
}

func (m Member) normal() Member {
	orDefault(&m.State, InService)
	orDefault(&m.Health, HealthNormal)
	if m.Joined.IsZero() {
		m.Joined = time.Now()
	}
	m.Joined = m.Joined.UTC().Truncate(time.Second)
	return m
}

// SetMembers replaces the instances of a group, whose current size is their number, and reports whether the group exists.
func (e *Emulator) SetMembers(project, group string, members ...Member) bool {
	return e.ChangeMembers(project, group, func([]Member) []Member { return members })
}

// ChangeMembers replaces the instances of a group with the result of change, which gets a copy of them. It reports whether the group exists.
func (e *Emulator) ChangeMembers(project, group string, change func([]Member) []Member) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logs[place{project, group}]
	if !ok {
		return false
	}
	changed := slices.Clone(change(slices.Clone(l.members)))
	for i, m := range changed {
		changed[i] = m.normal()
	}
	l.members = changed
	e.seq++
	return true
}

// Members returns the instances of a group in the order in which they were set.
func (e *Emulator) Members(project, group string) []Member {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if l, ok := e.logs[place{project, group}]; ok {
		return slices.Clone(l.members)
	}
	return nil
}

// memberFilter is the filter of a list of instances.
type memberFilter struct {
	state, health, protected string
	none                     bool
}

func (f memberFilter) passes(m Member) bool {
	switch {
	case f.none,
		f.state != "" && f.state != m.State,
		f.health != "" && f.health != m.Health,
		f.protected == "true" && !m.Protected,
		f.protected == "false" && m.Protected:
		return false
	}
	return true
}

func (e *Emulator) memberFilter(values url.Values) (memberFilter, *refusal) {
	state, stateKnown, no := e.oneOf(values, "life_cycle_state", LifecycleStates(), "AS.4003")
	if no != nil {
		return memberFilter{}, no
	}
	health, healthKnown, no := e.oneOf(values, "health_status", Healths(), "AS.4004")
	if no != nil {
		return memberFilter{}, no
	}
	return memberFilter{state, health, values.Get("protect_from_scaling_down"), !stateKnown || !healthKnown}, nil
}

func (e *Emulator) listInstances(t target, g grant, values url.Values, req *Request) ([]byte, *refusal) {
	l, no := e.paging(listing{name: "scaling_group_instances", offsetCode: "AS.4000", limitCode: "AS.4001"}, values, req)
	if no != nil {
		return nil, no
	}
	f, no := e.memberFilter(values)
	if no != nil {
		return nil, no
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	log, no := e.visible(t, g)
	if no != nil {
		return nil, no
	}
	var items []item
	for i, m := range log.members {
		if !f.passes(m) {
			continue
		}
		id := m.ID
		orDefault(&id, m.Name)
		items = append(items, item{id: id, created: m.Joined, seq: uint64(i), json: e.encodeMember(m, log.info)})
	}
	return e.respond(l, items, req), nil
}

func (e *Emulator) encodeMember(m Member, g Group) []byte {
	var o object
	e.addOptional(&o, "instance_id", m.ID)
	o.add("instance_name", m.Name)
	o.add("scaling_group_id", g.ID)
	o.add("scaling_group_name", g.Name)
	o.add("life_cycle_state", m.State)
	o.add("health_status", e.spelledHealth(m.Health))
	o.add("scaling_configuration_id", m.ConfigID)
	o.add("scaling_configuration_name", m.ConfigName)
	o.add("create_time", m.Joined.Format(timeLayout))
	o.add("protect_from_scaling_down", m.Protected)
	return extend(o.bytes(), m.Extra)
}

func (e *Emulator) spelledHealth(health string) string {
	if health == HealthInitializing && e.sw.HealthSpelling == HealthMisspelt {
		return "INITAILIZING"
	}
	return health
}
