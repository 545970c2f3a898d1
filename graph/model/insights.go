package model

import (
	"time"

	"scalegraph/internal/insights"
	"scalegraph/upstream"
)

// ScalingInsights are figures over the newest activities of some groups.
type ScalingInsights struct {
	ActivityCount     int32
	Complete          bool
	Newest            *time.Time
	Oldest            *time.Time
	AsOf              time.Time
	Stale             bool
	UnavailableGroups []UnavailableGroup

	Figures *insights.Figures
	Groups  []upstream.Group // that could be read
}

// ScalingFailureGroup is all failures of one cause.
type ScalingFailureGroup struct {
	*insights.FailureGroup
	Example ScalingActivity
}

// ScalingCapacity is the size of one group over time.
type ScalingCapacity struct {
	Group  upstream.Group
	Points []insights.CapacityPoint
}
