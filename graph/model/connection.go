package model

import (
	"time"

	"scalegraph/upstream"
)

// ScalingActivityConnection is a page as clients see it. What the client did not select may be empty.
type ScalingActivityConnection struct {
	Edges             []ScalingActivityEdge
	Nodes             []ScalingActivity
	PageInfo          PageInfo
	TotalCount        int32
	AsOf              time.Time
	Stale             bool
	UnavailableGroups []UnavailableGroup
}

// ScalingActivityEdge is a row with its place.
type ScalingActivityEdge struct {
	Cursor string
	Node   *ScalingActivity // one of the connection's Nodes
}

// PageInfo says where a page lies.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string // nil on an empty page
	EndCursor       *string // nil on an empty page
}

// UnavailableGroup is a group that is missing in a merged feed, and why.
type UnavailableGroup struct {
	Group     upstream.Group
	Code      string
	Message   string
	Retryable bool
}
