package pagingtest

import (
	"context"
	"encoding/json"
	"fmt"

	"scalegraph/upstream"
)

// Pages is the part of package paging that Direct uses.
type Pages interface {
	Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error)
	Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error)
}

// Direct returns a Browser that calls pages without GraphQL. Its cursors are points in JSON.
func Direct(pages Pages) Browser { return direct{pages} }

type direct struct{ Pages }

func (d direct) Page(ctx context.Context, req Request) (Response, error) {
	after, before := parsePoint(req.After), parsePoint(req.Before)
	if req.Merged {
		page, err := d.Feed(ctx, upstream.FeedQuery{
			Groups: req.Groups, Filter: req.Filter, After: after, Before: before,
			Count: max(req.First, req.Last), Last: req.Last >= 0,
		})
		return newResponse(page.Page), err
	}
	q := upstream.PageQuery{
		Group: req.Groups[0], Filter: req.Filter, Skip: req.Offset, Count: max(req.First, req.Last), Last: req.Last >= 0,
	}
	if after != nil {
		q.After = &upstream.Point{Second: after.Second, LogID: after.LogID}
	}
	if before != nil {
		q.Before = &upstream.Point{Second: before.Second, LogID: before.LogID}
	}
	page, err := d.Pages.Page(ctx, q)
	return newResponse(page), err
}

func parsePoint(cursor string) *upstream.FeedPoint {
	if cursor == "" {
		return nil
	}
	p := new(upstream.FeedPoint)
	if err := json.Unmarshal([]byte(cursor), p); err != nil {
		panic(fmt.Sprintf("%q is no cursor of this client: %v", cursor, err))
	}
	return p
}

func newResponse(page upstream.Page) Response {
	a := Response{HasNext: page.HasOlder, HasPrevious: page.HasNewer, Total: page.Total, AsOf: page.AsOf}
	for _, row := range page.Rows {
		p := upstream.FeedPoint{Second: row.StartTime.Unix(), Group: row.Group, LogID: row.LogID}
		cursor, _ := json.Marshal(p)
		a.Rows = append(a.Rows, Row{Point: p, Cursor: string(cursor)})
	}
	return a
}
