// Package pagingtest tests paging. Run pages through random histories of logs that grow, expire and change, and compares each response
// with the emulator's own record of the log. The stack under test is a Browser: Direct for package paging, GraphQL for the whole
// server. GroupLog is a log for tests that need a given number of rows.
package pagingtest

import (
	"context"
	"time"

	"scalegraph/upstream"
)

// Browser is a client that pages through logs with opaque cursors.
type Browser interface {
	Page(ctx context.Context, req Request) (Response, error)
}

// Request asks for one page.
type Request struct {
	Groups []upstream.Group // a single group unless Merged
	Merged bool             // read the merged feed
	Filter upstream.Filter
	First  int // -1: absent
	Last   int // -1: absent
	After  string
	Before string
	Offset int // 0: absent
}

// Response is one page.
type Response struct {
	Rows        []Row
	HasNext     bool
	HasPrevious bool
	Total       int
	AsOf        time.Time
	Stale       bool
	Calls       int // reported upstream calls; 0: not reported
	Unavailable []UnavailableGroup
}

// UnavailableGroup is a group of a merged feed that could not be read, and the code of the error.
type UnavailableGroup struct {
	Group upstream.Group
	Code  string
}

// Row is one edge of a connection.
type Row struct {
	Point  upstream.FeedPoint
	Cursor string
}
