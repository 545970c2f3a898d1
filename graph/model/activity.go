package model

import "scalegraph/upstream"

// ScalingActivity is a row of a log as clients see it. It is immutable, including the embedded row, which other responses share.
type ScalingActivity struct {
	*upstream.Activity
	ID     string  // the global id
	Origin *Origin // the page that contains the row; nil if the row was read by its id
}

// Origin is the query that a row was read by. With it, the sections that were not fetched at first are read for the whole page at once.
type Origin struct {
	Page  *upstream.PageQuery // set for a page of one log
	Feed  *upstream.FeedQuery // set for a page of a merged feed
	Later upstream.Sections   // the sections that the client asked for with @defer
}
