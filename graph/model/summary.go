package model

import (
	"time"

	"scalegraph/upstream"
)

// ScalingActivitySummary holds the counts of a log's activities. Counts that the client did not select may be zero.
type ScalingActivitySummary struct {
	Total      int32
	Succeeded  int32
	Failed     int32
	InProgress int32
	ByType     []ScalingActivityTypeCount // in the order of the enum, without zeros
	AsOf       time.Time
	Stale      bool
}

// ScalingActivityTypeCount is the number of activities of one type.
type ScalingActivityTypeCount struct {
	Type  upstream.Type
	Count int32
}
