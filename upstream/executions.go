package upstream

import (
	"cmp"
	"context"
	"net/url"
	"regexp"
	"strings"
	"time"

	"scalegraph/upstream/wirejson"
)

// Trigger is the cause of an execution.
type Trigger string

// The documented triggers, and UNKNOWN for one that this version does not know.
const (
	TriggerAlarm      Trigger = "ALARM"
	TriggerScheduled  Trigger = "SCHEDULED" // SCHEDULE in some responses
	TriggerRecurrence Trigger = "RECURRENCE"
	TriggerManual     Trigger = "MANUAL"
	TriggerUnknown    Trigger = "UNKNOWN"
)

// Triggers returns the documented triggers, without UNKNOWN.
func Triggers() []Trigger {
	return []Trigger{TriggerAlarm, TriggerScheduled, TriggerRecurrence, TriggerManual}
}

// ExecutionStatus is the status of an execution.
type ExecutionStatus string

// The documented states, and UNKNOWN for one that this version does not know.
const (
	ExecutionSuccess   ExecutionStatus = "SUCCESS"
	ExecutionFail      ExecutionStatus = "FAIL"
	ExecutionExecuting ExecutionStatus = "EXECUTING"
	ExecutionUnknown   ExecutionStatus = "UNKNOWN"
)

// ExecutionStatuses returns the documented states, without UNKNOWN.
func ExecutionStatuses() []ExecutionStatus {
	return []ExecutionStatus{ExecutionSuccess, ExecutionFail, ExecutionExecuting}
}

// Execution is one entry of the execution log of a policy. A nil field was not sent.
type Execution struct {
	Policy        PolicyRef
	LogID         string
	Status        ExecutionStatus
	RawStatus     string // as sent
	Trigger       Trigger
	RawTrigger    string // as sent
	ExecutedAt    time.Time
	ResourceType  *string
	ResourceID    *string
	Operation     PolicyOperation
	RawOperation  string // as sent
	OldValue      *int32
	DesiredValue  *int32
	LimitValue    *int32  // of bandwidths
	FailureReason *string // as sent; nil if it did not fail
	Jobs          []*ExecutionJob
	Bandwidth     *Bandwidth
}

// ExecutionJob is one step of an execution, as sent.
type ExecutionJob struct {
	Name       string
	RecordType string // API or MEG, the upstream's spelling of message
	RecordTime *time.Time
	Request    *string
	Response   *string
	Code       *string // of an API step
	Message    *string // of a MEG step
	Status     string
}

// Point returns the position of the entry in its log.
func (e *Execution) Point() Point { return Point{e.ExecutedAt.Unix(), e.LogID} }

// ExecutionFilter restricts an execution log. The zero ExecutionFilter selects all entries. The upstream cannot filter by status.
type ExecutionFilter struct {
	StartTime time.Time // earliest execution, whole seconds; zero: none
	EndTime   time.Time // latest execution, whole seconds; zero: none
	Trigger   Trigger   // empty: all
	LogID     string    // empty: all
}

func (f ExecutionFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"start_time": formatTime(f.StartTime), "end_time": formatTime(f.EndTime), "execute_type": string(f.Trigger), "log_id": f.LogID,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// ListExecutions lists a part of the execution log of a policy. An unknown policy is ErrNotFound. The order is not documented.
func (c *Client) ListExecutions(ctx context.Context, policy PolicyRef, f ExecutionFilter, r Range) (Items[Execution], error) {
	l := lookup{what: "list executions", region: policy.Region, version: "v1", project: policy.Project,
		path: []string{"scaling_policy_execute_log", policy.ID}, query: f.query()}
	return listItems(ctx, c, l, "scaling_policy_execute_log", r, func(m wirejson.Record) *Execution { return execution(m, policy) })
}

// execution returns nil if the entry has no id or time: it has no position in the log then.
func execution(m wirejson.Record, policy PolicyRef) *Execution {
	id, at := m.ID("id"), m.Time("execute_time")
	if id == "" || at == nil {
		return nil
	}
	return &Execution{
		Policy:        policy,
		LogID:         id,
		Status:        wirejson.Enum(m.Text("status"), ExecutionStatuses()),
		RawStatus:     m.Text("status"),
		Trigger:       trigger(m.Text("execute_type")),
		RawTrigger:    m.Text("execute_type"),
		ExecutedAt:    *at,
		ResourceType:  m.OptionalText("scaling_resource_type"),
		ResourceID:    m.OptionalID("scaling_resource_id"),
		Operation:     operation(m.Text("type")),
		RawOperation:  m.Text("type"),
		OldValue:      m.Int32("old_value"),
		DesiredValue:  m.Int32("desire_value"),
		LimitValue:    m.Int32("limit_value"),
		FailureReason: m.OptionalText("failed_reason"),
		Jobs:          jobs(m.Objects("job_records")),
		Bandwidth:     bandwidth(m.Object("meta_data")),
	}
}

// trigger accepts both spellings of SCHEDULED and of MANUAL.
func trigger(raw string) Trigger {
	switch strings.TrimSpace(raw) {
	case "SCHEDULE":
		return TriggerScheduled
	case "MANNUAL":
		return TriggerManual
	}
	return wirejson.Enum(raw, Triggers())
}

func jobs(list []wirejson.Record) []*ExecutionJob {
	var all []*ExecutionJob
	for _, m := range list {
		all = append(all, &ExecutionJob{
			Name:       m.Text("job_name"),
			RecordType: m.Text("record_type"),
			RecordTime: m.Time("record_time"),
			Request:    m.OptionalText("request"),
			Response:   m.OptionalText("response"),
			Code:       m.OptionalText("code"),
			Message:    m.OptionalText("message"),
			Status:     m.Text("job_status"),
		})
	}
	return all
}

// ExecutionOutcome is the outcome of an execution.
type ExecutionOutcome string

// The outcomes.
const (
	OutcomeChanged          ExecutionOutcome = "CHANGED"   // the desired number changed
	OutcomeNoEffect         ExecutionOutcome = "NO_EFFECT" // it stayed
	OutcomeExecutionFailed  ExecutionOutcome = "FAILED"
	OutcomeExecutionRunning ExecutionOutcome = "RUNNING"
	OutcomeExecutionUnknown ExecutionOutcome = "UNKNOWN"
)

// Outcome derives the outcome from the status and the two values. It is UNKNOWN for a success without both values.
func (e *Execution) Outcome() ExecutionOutcome {
	switch {
	case e.Status == ExecutionFail:
		return OutcomeExecutionFailed
	case e.Status == ExecutionExecuting:
		return OutcomeExecutionRunning
	case e.Status != ExecutionSuccess, e.OldValue == nil, e.DesiredValue == nil:
		return OutcomeExecutionUnknown
	case *e.OldValue == *e.DesiredValue:
		return OutcomeNoEffect
	}
	return OutcomeChanged
}

// NotScaledReason is the class of a failed execution, or of a condition that prevents a group from scaling.
type NotScaledReason string

// The classes.
const (
	NotScaledCooldown      NotScaledReason = "COOLDOWN"
	NotScaledGroupBusy     NotScaledReason = "GROUP_BUSY"
	NotScaledMaxReached    NotScaledReason = "MAX_REACHED"
	NotScaledMinReached    NotScaledReason = "MIN_REACHED"
	NotScaledLimitReached  NotScaledReason = "LIMIT_REACHED"
	NotScaledNoChange      NotScaledReason = "NO_CHANGE"
	NotScaledNotInService  NotScaledReason = "NOT_IN_SERVICE"
	NotScaledPolicyPaused  NotScaledReason = "POLICY_PAUSED"
	NotScaledPolicyBusy    NotScaledReason = "POLICY_BUSY"
	NotScaledConfiguration NotScaledReason = "CONFIGURATION"
	NotScaledFrozen        NotScaledReason = "FROZEN"
	NotScaledSystem        NotScaledReason = "SYSTEM"
	NotScaledUnknown       NotScaledReason = "UNKNOWN"
)

// notScaledByCode maps the documented codes that can stand in the reason of a failed execution.
var notScaledByCode = map[string]NotScaledReason{
	"AS.0026": NotScaledCooldown,
	"AS.0034": NotScaledGroupBusy, "AS.2047": NotScaledGroupBusy, "AS.2054": NotScaledGroupBusy,
	"AS.0050": NotScaledMaxReached,
	"AS.3040": NotScaledLimitReached,
	"AS.2028": NotScaledNoChange,
	"AS.2033": NotScaledNotInService, "AS.2020": NotScaledNotInService, "AS.3027": NotScaledNotInService,
	"AS.3038": NotScaledPolicyBusy,
	"AS.8004": NotScaledFrozen,
	"AS.2018": NotScaledConfiguration, "AS.1086": NotScaledConfiguration,
	"AS.0001": NotScaledSystem, "AS.0049": NotScaledSystem, "AS.7003": NotScaledSystem, "AS.7078": NotScaledSystem, "AS.7079": NotScaledSystem,
}

var asCode = regexp.MustCompile(`\bAS\.\d{4}\b`)

// NotScaledReason returns the class of a failed execution by the first AS code in its failure reason or, if that has none, in its steps;
// nil if the execution did not fail.
func (e *Execution) NotScaledReason() *NotScaledReason {
	if e.Status != ExecutionFail {
		return nil
	}
	class, ok := notScaledByCode[e.failureCode()]
	if !ok {
		class = NotScaledUnknown
	}
	return &class
}

func (e *Execution) failureCode() string {
	var texts []*string
	texts = append(texts, e.FailureReason)
	for _, j := range e.Jobs {
		texts = append(texts, j.Code, j.Message)
	}
	for _, t := range texts {
		if t == nil {
			continue
		}
		if code := asCode.FindString(*t); code != "" {
			return code
		}
	}
	return ""
}

// ExecutionPoint is a position in the merged execution logs of several policies: second descending, then policy id and log id ascending. The
// upstream's order inside one second is not documented.
type ExecutionPoint struct {
	Second   int64 // Unix time of the execution
	PolicyID string
	LogID    string
}

// Compare is negative if p comes before q in the order, that is if p is newer.
func (p ExecutionPoint) Compare(q ExecutionPoint) int {
	return cmp.Or(cmp.Compare(q.Second, p.Second), strings.Compare(p.PolicyID, q.PolicyID), strings.Compare(p.LogID, q.LogID))
}

// ExecutionQuery asks for at most Count executions of several policies between two positions.
type ExecutionQuery struct {
	Policies []PolicyRef // of one project, each once
	Filter   ExecutionFilter
	After    *ExecutionPoint // only older ones; nil: from the newest
	Before   *ExecutionPoint // only newer ones; nil: to the oldest
	Count    int             // 0 to 500
	Last     bool            // the oldest Count between the positions, not the newest
}

// ExecutionPage is the result of an ExecutionQuery. It may be shared: callers must not change it.
type ExecutionPage struct {
	Rows        []*Execution // newest first, in the order of ExecutionPoint
	HasNewer    bool         // an execution comes before the first of Rows
	HasOlder    bool         // an execution comes after the last of Rows
	Total       int          // executions of the readable policies that match the filter
	AsOf        time.Time    // when the oldest part was read from the upstream
	Stale       bool         // the upstream failed and a cached copy was served instead
	Unavailable []UnavailablePolicy
}

// UnavailablePolicy is a policy whose execution log could not be read, with the reason.
type UnavailablePolicy struct {
	Policy PolicyRef
	Err    error
}

// MergedPoint returns the position of the entry in a merged log.
func (e *Execution) MergedPoint() ExecutionPoint {
	return ExecutionPoint{e.ExecutedAt.Unix(), e.Policy.ID, e.LogID}
}

// Key returns a text that is equal for equal filters and different for different ones.
func (f ExecutionFilter) Key() string { return f.query().Encode() }

// NewExecutionFilter returns f with its times in UTC and widened to whole seconds.
func NewExecutionFilter(f ExecutionFilter) ExecutionFilter {
	widened := NewFilter(Filter{StartTime: f.StartTime, EndTime: f.EndTime})
	f.StartTime, f.EndTime = widened.StartTime, widened.EndTime
	return f
}
