package resolvers

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"scalegraph/upstream"
)

// fixedPage is a source that always returns the same page.
type fixedPage struct{ page upstream.Page }

func (s fixedPage) Page(context.Context, upstream.PageQuery) (upstream.Page, error) {
	return s.page, nil
}

func newFixedPage(rows int) fixedPage {
	page := upstream.Page{Total: 1000, HasOlder: true, AsOf: newestStart}
	text := `{"reason":[{"change_reason":"ALARM","old_value":1,"new_value":2}]}`
	n := int32(1)
	for i := range rows {
		page.Rows = append(page.Rows, &upstream.Activity{
			Group: groupA, LogID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Type: upstream.TypeNormal, RawType: "NORMAL",
			Status: upstream.StatusSuccess, RawStatus: "SUCCESS", StartTime: newestStart, EndTime: newestStart, Description: &text,
			InstanceValue: &n, DesireValue: &n, ScalingValue: &n, Details: upstream.Details{Sections: upstream.AllSections},
		})
	}
	return fixedPage{page}
}

// BenchmarkQuery measures what a query costs without network, transport and upstream, the final writing included.
func BenchmarkQuery(b *testing.B) {
	light := `nodes { id logId type status outcome startTime endTime durationSeconds }`
	queries := map[string]string{
		"20 rows, 8 fields":             inGroup(`activities { ` + light + ` pageInfo { hasNextPage endCursor } }`),
		"20 edges with cursors":         inGroup(`activities { edges { cursor node { id logId type status } } }`),
		"100 rows, two lists each":      inGroup(`activities(first: 100) { nodes { logId addedInstances { instanceId } failedInstances { instanceId } } }`),
		"50 aliases of the same page":   "{" + strings.Repeat(`scalingGroup(groupId: "g") { activities { totalCount nodes { id } } } `, 50) + "}",
		"50 aliases of different pages": "",
	}
	for name, query := range queries {
		var q strings.Builder
		for i := range 50 {
			switch name {
			case "50 aliases of the same page":
				fmt.Fprintf(&q, `a%d: scalingGroup(groupId: "g") { activities(first: 1) { nodes { id } } } `, i)
			case "50 aliases of different pages":
				fmt.Fprintf(&q, `a%d: scalingGroup(groupId: "g%d") { activities(first: 1) { nodes { id } } } `, i, i)
			}
		}
		if q.Len() > 0 {
			query = "{" + q.String() + "}"
		}
		b.Run(name, func(b *testing.B) { benchmarkQuery(b, query) })
	}
}

func benchmarkQuery(b *testing.B, query string) {
	rows := 20
	switch {
	case strings.Contains(query, "first: 100"):
		rows = 100
	case strings.Contains(query, "first: 1"):
		rows = 1
	}
	run := newRunner(b, New(Config{Pages: newFixedPage(rows), Region: "default", DefaultProject: project}))
	b.ReportAllocs()
	for b.Loop() {
		if response := run.ask(b, query); len(response.Errors) > 0 || len(response.Data) == 0 {
			b.Fatal(response.Errors)
		}
	}
}
