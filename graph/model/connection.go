package model

import (
	"time"

	"scalegraph/upstream"
)

// ScalingActivityConnection is a page as clients see it. Fields that the client did not select may be empty.
type ScalingActivityConnection struct {
	Edges             []ScalingActivityEdge
	Nodes             []ScalingActivity
	PageInfo          PageInfo
	TotalCount        int32
	AsOf              time.Time
	Stale             bool
	UnavailableGroups []UnavailableGroup
}

// ScalingActivityEdge is a row with its cursor.
type ScalingActivityEdge struct {
	Cursor string
	Node   *ScalingActivity // one of the connection's Nodes
}

// PageInfo has the first and the last cursor of a page and whether there are rows before and after it.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string // nil on an empty page
	EndCursor       *string // nil on an empty page
}

// UnavailableGroup is a group that is missing in a merged feed, with the error that reading it caused.
type UnavailableGroup struct {
	Group     upstream.Group
	Code      string
	Message   string
	Retryable bool
}
