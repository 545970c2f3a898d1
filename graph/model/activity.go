package model

import "scalegraph/upstream"

// ScalingActivity is a row of a log as clients see it. Nobody changes it, nor the row, after it was made.
type ScalingActivity struct {
	*upstream.Activity
	ID     string  // the global id
	Origin *Origin // where the row was read; nil where it came by itself
}

// Origin says how a row was asked for, so that sections left out at first are read for the whole page at once.
type Origin struct {
	Page  *upstream.PageQuery // set for a page of one log
	Feed  *upstream.FeedQuery // set for a page of a merged feed
	Later upstream.Sections   // the sections that the client asked for with @defer
}
