package model

import (
	"time"

	"scalegraph/upstream"
)

// ScalingGroupDetails are the attributes and sizes of a group, and how old they are.
type ScalingGroupDetails struct {
	*upstream.GroupDetails
	AsOf  time.Time
	Stale bool
}

// ScalingInstanceHistory is what the log of a group says about one of its instances.
type ScalingInstanceHistory struct {
	Nodes    []ScalingActivity
	Complete bool
	AsOf     time.Time
	Stale    bool
}
