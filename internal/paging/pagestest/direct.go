package pagestest

import (
	"context"
	"encoding/json"
	"fmt"

	"scalegraph/upstream"
)

// Pages is what Direct pages through.
type Pages interface {
	Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error)
	Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error)
}

// Direct returns a client that pages without GraphQL. Its cursors are places in JSON.
func Direct(pages Pages) Browser { return direct{pages} }

type direct struct{ Pages }

func (d direct) Page(ctx context.Context, ask Ask) (Answer, error) {
	after, before := placeOf(ask.After), placeOf(ask.Before)
	if ask.Merged {
		page, err := d.Feed(ctx, upstream.FeedQuery{
			Groups: ask.Groups, Filter: ask.Filter, After: after, Before: before,
			Count: max(ask.First, ask.Last), Last: ask.Last >= 0,
		})
		return answerOf(page.Page), err
	}
	q := upstream.PageQuery{
		Group: ask.Groups[0], Filter: ask.Filter, Skip: ask.Offset, Count: max(ask.First, ask.Last), Last: ask.Last >= 0,
	}
	if after != nil {
		q.After = &upstream.Point{Second: after.Second, LogID: after.LogID}
	}
	if before != nil {
		q.Before = &upstream.Point{Second: before.Second, LogID: before.LogID}
	}
	page, err := d.Pages.Page(ctx, q)
	return answerOf(page), err
}

func placeOf(cursor string) *upstream.FeedPoint {
	if cursor == "" {
		return nil
	}
	p := new(upstream.FeedPoint)
	if err := json.Unmarshal([]byte(cursor), p); err != nil {
		panic(fmt.Sprintf("%q is no cursor of this client: %v", cursor, err))
	}
	return p
}

func answerOf(page upstream.Page) Answer {
	a := Answer{HasNext: page.HasOlder, HasPrevious: page.HasNewer, Total: page.Total, AsOf: page.AsOf}
	for _, row := range page.Rows {
		p := upstream.FeedPoint{Second: row.StartTime.Unix(), Group: row.Group, LogID: row.LogID}
		cursor, _ := json.Marshal(p)
		a.Rows = append(a.Rows, Row{Place: p, Cursor: string(cursor)})
	}
	return a
}
