package upstream

import (
	"errors"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"scalegraph/upstream/wirejson"
)

// Outcome is the outcome of an activity.
type Outcome string

// The outcomes.
const (
	OutcomeInProgress      Outcome = "IN_PROGRESS"
	OutcomeSucceeded       Outcome = "SUCCEEDED"
	OutcomePartiallyFailed Outcome = "PARTIALLY_FAILED" // SUCCESS with entries in a list of failures
	OutcomeFailed          Outcome = "FAILED"
	OutcomeUnknown         Outcome = "UNKNOWN"
)

// Direction is the direction in which an action scales the group.
type Direction string

// The directions.
const (
	DirectionOut  Direction = "OUT"
	DirectionIn   Direction = "IN"
	DirectionNone Direction = "NONE"
)

// Reason is one entry of a description that is JSON.
type Reason struct {
	Group             Group  // of the activity
	ChangeReason      string // as sent, e.g. MANNUAL
	OldValue          *int32
	NewValue          *int32
	ChangeTime        *time.Time
	ScalingPolicyID   *string
	ScalingPolicyName *string
}

// Ended returns when the action ended; nil if it is in progress.
func (a *Activity) Ended() *time.Time {
	if a.EndTime.IsZero() {
		return nil
	}
	return &a.EndTime
}

// DurationSeconds returns the difference of the whole seconds of start and end; nil if the action is in progress. It is at least 0, even if the
// end is before the start.
func (a *Activity) DurationSeconds() *int32 {
	if a.EndTime.IsZero() {
		return nil
	}
	seconds := a.EndTime.Unix() - a.StartTime.Unix()
	n := int32(min(max(0, seconds), math.MaxInt32))
	return &n
}

// Outcome derives the outcome from the status and the lengths of the lists of failures.
func (a *Activity) Outcome() Outcome {
	switch a.Status {
	case StatusDoing:
		return OutcomeInProgress
	case StatusFail:
		return OutcomeFailed
	case StatusSuccess:
		if a.ListLengths.Failed+a.ListLengths.BindFailed+a.ListLengths.UnbindFailed > 0 {
			return OutcomePartiallyFailed
		}
		return OutcomeSucceeded
	}
	return OutcomeUnknown
}

// maxFailureReasons bounds FailureReasons.
const maxFailureReasons = 5

// FailureReasons returns the distinct failure reasons of the instances and load balancers, in the order of the lists, at most five. It needs
// SectionFailures and SectionLoadBalancers.
func (d *Details) FailureReasons() []string {
	reasons := []string{}
	for f := range d.Failures() {
		if f == nil || f.Reason == nil || *f.Reason == "" || slices.Contains(reasons, *f.Reason) {
			continue
		}
		if reasons = append(reasons, *f.Reason); len(reasons) == maxFailureReasons {
			break
		}
	}
	return reasons
}

// Failures yields one failure for each instance and each load balancer on which the action failed, in the order of the lists; nil if nothing
// is known about it. It needs SectionFailures and SectionLoadBalancers.
func (d *Details) Failures() iter.Seq[*Failure] {
	return func(yield func(*Failure) bool) {
		for _, i := range d.Failed {
			if !yield(i.Failure) {
				return
			}
		}
		for _, list := range [][]*LoadBalancerChange{d.BindFailed, d.UnbindFailed} {
			for _, c := range list {
				if !yield(c.Failure) {
					return
				}
			}
		}
	}
}

// Direction derives the direction from the type; if that is ambiguous, from the instance counts; if those are missing or equal, from the
// lengths of the lists.
func (a *Activity) Direction() Direction {
	switch a.Type {
	case TypeManualAdd, TypeExitStandby:
		return DirectionOut
	case TypeManualRemove, TypeManualDelete, TypeELBCheckDelete, TypeAuditCheckDelete, TypeEnterStandby:
		return DirectionIn
	case TypeModifyELB:
		return DirectionNone
	}
	if a.DesireValue != nil && a.InstanceValue != nil && *a.DesireValue != *a.InstanceValue {
		return growth(*a.InstanceValue, *a.DesireValue)
	}
	return growth(a.ListLengths.Removed+a.ListLengths.Deleted, a.ListLengths.Added)
}

func growth(from, to int32) Direction {
	switch {
	case to > from:
		return DirectionOut
	case to < from:
		return DirectionIn
	}
	return DirectionNone
}

// Reasons parses the description: an object with a list called reason, or a single reason. It returns nil if the description has another form,
// and skips reasons without a change_reason.
func (a *Activity) Reasons() []Reason {
	if a.Description == nil || !wirejson.Valid(*a.Description) {
		return nil
	}
	description := gjson.Parse(*a.Description)
	if list := description.Get("reason"); description.IsObject() && list.Exists() {
		description = list
	}
	var reasons []Reason
	wirejson.ForEachEntry(description, func(v gjson.Result) {
		if r := parseReason(v); r.ChangeReason != "" {
			r.Group = a.Group
			reasons = append(reasons, r)
		}
	})
	return reasons
}

func parseReason(v gjson.Result) Reason {
	var r Reason
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "change_reason":
			r.ChangeReason = value.String()
		case "old_value":
			r.OldValue = wirejson.Int32(value)
		case "new_value":
			r.NewValue = wirejson.Int32(value)
		case "change_time":
			if t := wirejson.Time(value); !t.IsZero() {
				r.ChangeTime = &t
			}
		case "scaling_policy_id":
			r.ScalingPolicyID = wirejson.Text(value)
		case "scaling_policy_name":
			r.ScalingPolicyName = wirejson.Text(value)
		}
		return true
	})
	return r
}

// The documented types and statuses by their spelling. Rows share the strings of these tables, so that a string that is repeated in every row
// exists once in memory.
var (
	types    = wireTypes()
	statuses = map[string]wireValue[Status]{
		"SUCCESS": {"SUCCESS", StatusSuccess},
		"FAIL":    {"FAIL", StatusFail},
		"DOING":   {"DOING", StatusDoing},
		"DING":    {"DING", StatusDoing}, // misspelt in the vendor's SDKs until 2024
	}
)

// wireValue is a value with its spelling in responses.
type wireValue[T any] struct {
	raw   string
	value T
}

// wireTypes returns the types in both spellings of MANUAL.
func wireTypes() map[string]wireValue[Type] {
	all := map[string]wireValue[Type]{}
	for _, t := range Types() {
		for _, spelling := range []string{SpellingOneN, SpellingTwoN} {
			raw := wireType(t, spelling)
			all[raw] = wireValue[Type]{raw, t}
		}
	}
	return all
}

func readType(raw string) (string, Type) {
	if t, ok := types[raw]; ok {
		return t.raw, t.value
	}
	return raw, TypeUnknown
}

func readStatus(raw string) (string, Status) {
	if s, ok := statuses[raw]; ok {
		return s.raw, s.value
	}
	return raw, StatusUnknown
}

// ChangeKind is the kind of a change of an activity, or of the availability of its log.
type ChangeKind string

// The kinds of changes.
const (
	ChangeStarted  ChangeKind = "STARTED"  // it is new and in progress
	ChangeUpdated  ChangeKind = "UPDATED"  // it is still in progress, and its content has changed
	ChangeFinished ChangeKind = "FINISHED" // it has ended; the only change of one that had ended when it was first seen

	ChangeUnavailable ChangeKind = "UNAVAILABLE" // the group cannot be read; only if ChangeQuery.Partial
	ChangeAvailable   ChangeKind = "AVAILABLE"   // the group can be read again; missed changes follow
	ChangeIncomplete  ChangeKind = "INCOMPLETE"  // some rows cannot be read; the others, and later changes, follow
)

// A Change is one event of a subscription. The first event of each subscription has no kind, only the position at which the subscription
// starts.
type Change struct {
	Kind     ChangeKind
	Group    Group
	Activity *Activity // after the change, with all sections; nil if the event is about the group
	Err      error     // of ChangeUnavailable and ChangeIncomplete
	Position []byte    // of the subscription after the change; for ChangeQuery.Since
}

// ChangeQuery selects the changes of several logs. A change matches the filter if the row matches after the change.
type ChangeQuery struct {
	Groups  []Group // sorted by Group.Compare, without repeats
	Filter  Filter
	Since   []byte // a Change.Position of a query for the same groups; nil: from now on
	Partial bool   // a group that cannot be read is reported and retried, and does not end the subscription
}

// Errors of a subscription, besides those of an upstream call.
var (
	ErrBadPosition        = errors.New("the position cannot be read")
	ErrSlowSubscriber     = errors.New("the subscriber does not keep up")
	ErrTooManySubscribers = errors.New("there are too many subscriptions")

	// ErrRowsUnread is the error of ChangeIncomplete.
	ErrRowsUnread = errors.New("more rows started in one second than the upstream returns")
)
