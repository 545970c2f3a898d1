package emulator

import (
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// The documented types, states and operations of a policy, and the resource types.
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

// Schedule is the schedule of a policy. Empty fields are null; a policy of type SCHEDULED has launch_time only.
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
	executions []Execution                 // oldest first by insertion
	index      map[string]int              // of executions, by id
	ordered    atomic.Pointer[[]Execution] // as Emulator.orderedExecutions returns them; nil: the log has changed since
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

// PutPolicies adds policies to a project, or replaces the attributes of existing ones without changing their execution logs.
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
		e.policies[key] = &policyState{Policy: p.normal(), seq: e.seq, index: map[string]int{}}
	}
}

// UpdatePolicy changes the attributes of a policy and reports whether it exists. Changes of the id are ignored.
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
