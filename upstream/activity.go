package upstream

import "time"

// Outcome is a status read together with the failed lists.
type Outcome string

// The outcomes.
const (
	OutcomeInProgress      Outcome = "IN_PROGRESS"
	OutcomeSucceeded       Outcome = "SUCCEEDED"
	OutcomePartiallyFailed Outcome = "PARTIALLY_FAILED" // a SUCCESS with failures
	OutcomeFailed          Outcome = "FAILED"
	OutcomeUnknown         Outcome = "UNKNOWN"
)

// Direction says whether an action grows or shrinks the serving group.
type Direction string

// The directions.
const (
	DirectionOut  Direction = "OUT"
	DirectionIn   Direction = "IN"
	DirectionNone Direction = "NONE"
)

// Reason is one entry of a description that is JSON.
type Reason struct {
	ChangeReason      string // as sent, e.g. MANNUAL
	OldValue          *int32
	NewValue          *int32
	ChangeTime        *time.Time
	ScalingPolicyID   *string
	ScalingPolicyName *string
}

// Ended returns when the action ended; nil while it runs.
func (a *Activity) Ended() *time.Time {
	if a.EndTime.IsZero() {
		return nil
	}
	return &a.EndTime
}

// DurationSeconds returns the seconds from start to end; nil while the action runs.
func (a *Activity) DurationSeconds() *int32 { return nil }

// Outcome reads the status together with the failed lists.
func (a *Activity) Outcome() Outcome { return OutcomeUnknown }

// Direction says whether the action grows or shrinks the serving group.
func (a *Activity) Direction() Direction { return DirectionNone }

// Reasons reads the description as data; empty where there is nothing to read.
func (a *Activity) Reasons() []Reason { return nil }
