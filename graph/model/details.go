package model

import (
	"time"

	"scalegraph/upstream"
)

// ScalingGroupDetails are the attributes and sizes of a group as they were at AsOf.
type ScalingGroupDetails struct {
	*upstream.GroupDetails
	AsOf  time.Time
	Stale bool
}

// ScalingInstanceHistory is the activities of a group's log that concern one instance.
type ScalingInstanceHistory struct {
	Nodes    []ScalingActivity
	Complete bool
	AsOf     time.Time
	Stale    bool
}
