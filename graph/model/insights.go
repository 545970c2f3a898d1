package model

import (
	"time"

	"scalegraph/internal/insights"
	"scalegraph/upstream"
)

// ScalingInsights are statistics over the newest activities of one or more groups.
type ScalingInsights struct {
	ActivityCount     int32
	Complete          bool
	Newest            *time.Time
	Oldest            *time.Time
	AsOf              time.Time
	Stale             bool
	UnavailableGroups []UnavailableGroup

	Figures *insights.Figures
	Groups  []upstream.Group // the groups that could be read
}

// ScalingFailureGroup is the failures that have one cause, with one of them as an example.
type ScalingFailureGroup struct {
	*insights.FailureGroup
	Example ScalingActivity
}

// ScalingCapacity is the number of instances of one group over time.
type ScalingCapacity struct {
	Group  upstream.Group
	Points []insights.CapacityPoint
}
