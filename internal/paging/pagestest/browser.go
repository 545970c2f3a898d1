// Package pagestest drives whatever answers pages through random histories of logs that grow, expire and change, and compares
// what a client sees with the emulator's own record. For other tests of such parts it has a log to begin with.
package pagestest

import (
	"context"
	"time"

	"scalegraph/upstream"
)

// Browser is a client that pages through logs. Its cursors are opaque.
type Browser interface {
	Page(ctx context.Context, ask Ask) (Answer, error)
}

// Ask is one question of a client.
type Ask struct {
	Groups []upstream.Group // one: its own connection, unless Merged
	Merged bool             // the merged feed
	Filter upstream.Filter
	First  int // -1: absent
	Last   int // -1: absent
	After  string
	Before string
	Offset int // 0: absent
}

// Answer is what the client was told.
type Answer struct {
	Rows        []Row
	HasNext     bool
	HasPrevious bool
	Total       int
	AsOf        time.Time
	Stale       bool
	Calls       int       // upstream calls that it says it took; 0 where it says nothing
	Unavailable []Missing // in a merged feed: the groups that could not be read
}

// Missing is a group that could not be read, and the code of the reason.
type Missing struct {
	Group upstream.Group
	Code  string
}

// Row is one edge.
type Row struct {
	Place  upstream.FeedPoint
	Cursor string
}
