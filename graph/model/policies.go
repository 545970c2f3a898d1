package model

import (
	"time"

	"scalegraph/upstream"
)

// ScalingPolicyExecution is an execution together with its policy.
type ScalingPolicyExecution struct {
	*upstream.Execution
	Policy *upstream.Policy
}

// ScalingBlocker is a condition that prevents a group, or one of its policies, from scaling.
type ScalingBlocker struct {
	Code    upstream.NotScaledReason
	Message string
	Until   *time.Time       // nil: not known
	Policy  *upstream.Policy // nil: all policies are blocked
}
