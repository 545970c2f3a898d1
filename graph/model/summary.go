package model

import (
	"time"

	"scalegraph/upstream"
)

// ScalingActivitySummary holds counts over a log. What the client did not select may be zero.
type ScalingActivitySummary struct {
	Total      int32
	Succeeded  int32
	Failed     int32
	InProgress int32
	ByType     []ScalingActivityTypeCount // in the order of the enum, without zeros
	AsOf       time.Time
	Stale      bool
}

// ScalingActivityTypeCount says how many activities are of a type.
type ScalingActivityTypeCount struct {
	Type  upstream.Type
	Count int32
}
