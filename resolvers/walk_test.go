package resolvers

import (
	"fmt"
	"slices"
	"testing"

	"scalegraph/upstream/emulator"
)

// conn is a connection as a client reads it.
type conn struct {
	Edges []struct {
		Cursor string
		Node   struct{ LogID string }
	}
	Nodes    []struct{ LogID string }
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	TotalCount int
}

const selected = `{ edges { cursor node { logId } } nodes { logId } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }`

// walked are the queries of the two connections, each with its field's name and the number of its rows.
var walked = map[string]struct {
	query string
	total int
}{
	"a group": {`query ($first: Int, $after: String, $last: Int, $before: String) { top: scalingGroup(groupId: "` + busyGroup + `") {
		list: activities(first: $first, after: $after, last: $last, before: $before) ` + selected + ` } }`, 250},
	"a filtered group": {`query ($first: Int, $after: String, $last: Int, $before: String) { top: scalingGroup(groupId: "` + busyGroup + `") {
		list: activities(filter: {status: FAIL}, first: $first, after: $after, last: $last, before: $before) ` + selected + ` } }`, 83},
	"a feed": {`query ($first: Int, $after: String, $last: Int, $before: String) {
		list: scalingActivities(groups: [` + refs(10) + `{groupId: "` + smallGroup + `"}], first: $first, after: $after, last: $last, before: $before) ` + selected + ` }`, 62},
}

func (w *world) list(query string, variables map[string]any) conn {
	w.t.Helper()
	data := must[struct {
		Top  struct{ List conn }
		List conn
	}](w.t, w.ask(query, variables))
	if data.List.Edges != nil {
		return data.List
	}
	return data.Top.List
}

// check checks that a connection is consistent.
func (c conn) check(t *testing.T, total int) {
	t.Helper()
	if c.TotalCount != total || len(c.Nodes) != len(c.Edges) {
		t.Errorf("totalCount %d, want %d; %d nodes, %d edges", c.TotalCount, total, len(c.Nodes), len(c.Edges))
	}
	for i := range c.Nodes {
		if c.Nodes[i] != c.Edges[i].Node {
			t.Errorf("node %d is %v, edge %v", i, c.Nodes[i], c.Edges[i])
		}
	}
	n := len(c.Edges)
	if n == 0 {
		if c.PageInfo.StartCursor != nil || c.PageInfo.EndCursor != nil {
			t.Errorf("an empty page has the cursors %v", c.PageInfo)
		}
		return
	}
	if *c.PageInfo.StartCursor != c.Edges[0].Cursor || *c.PageInfo.EndCursor != c.Edges[n-1].Cursor {
		t.Errorf("page info %v, edges from %v to %v", c.PageInfo, c.Edges[0], c.Edges[n-1])
	}
}

// TestWalks reads whole connections in both directions, in pages of many sizes: all rows, each once, in order, each with the
// same cursor every time.
func TestWalks(t *testing.T) {
	w := newWorld(t)
	for name, of := range walked {
		whole := w.list(of.query, map[string]any{"first": 500})
		whole.check(t, of.total)
		if len(whole.Edges) != of.total || whole.PageInfo.HasNextPage || whole.PageInfo.HasPreviousPage {
			t.Fatalf("%s: %d rows, %v", name, len(whole.Edges), whole.PageInfo)
		}
		for _, size := range []int{7, 99, 100, 101} {
			if rows := w.forward(t, of.query, size, of.total); !slices.Equal(rows, whole.keys()) {
				t.Errorf("%s forward by %d: %v", name, size, rows)
			}
			if rows := w.backward(t, of.query, size, of.total); !slices.Equal(rows, whole.keys()) {
				t.Errorf("%s backward by %d: %v", name, size, rows)
			}
		}
	}
}

// keys returns each row with its cursor.
func (c conn) keys() []string {
	var keys []string
	for _, e := range c.Edges {
		keys = append(keys, fmt.Sprint(e))
	}
	return keys
}

func (w *world) forward(t *testing.T, query string, size, total int) []string {
	var rows []string
	variables := map[string]any{"first": size}
	for {
		page := w.list(query, variables)
		page.check(t, total)
		if page.PageInfo.HasPreviousPage != (len(rows) > 0) {
			t.Errorf("hasPreviousPage is %v after %d rows", page.PageInfo.HasPreviousPage, len(rows))
		}
		if rows = append(rows, page.keys()...); !page.PageInfo.HasNextPage || len(rows) > total {
			return rows
		}
		variables["after"] = *page.PageInfo.EndCursor
	}
}

func (w *world) backward(t *testing.T, query string, size, total int) []string {
	var rows []string
	variables := map[string]any{"last": size}
	for {
		page := w.list(query, variables)
		page.check(t, total)
		if page.PageInfo.HasNextPage != (len(rows) > 0) {
			t.Errorf("hasNextPage is %v before %d rows", page.PageInfo.HasNextPage, len(rows))
		}
		if rows = append(page.keys(), rows...); !page.PageInfo.HasPreviousPage || len(rows) > total {
			return rows
		}
		variables["before"] = *page.PageInfo.StartCursor
	}
}

// TestBetweenCursors combines after and before with first and last, as the Relay specification has it.
func TestBetweenCursors(t *testing.T) {
	w := newWorld(t)
	for name, of := range walked {
		whole := w.list(of.query, map[string]any{"first": 500})
		at := func(i int) string { return whole.Edges[i].Cursor }
		for _, test := range []struct {
			variables map[string]any
			from, to  int
		}{
			{map[string]any{"first": 5, "after": at(2), "before": at(20)}, 3, 8},
			{map[string]any{"first": 50, "after": at(2), "before": at(20)}, 3, 20},
			{map[string]any{"last": 5, "after": at(2), "before": at(20)}, 15, 20},
			{map[string]any{"last": 50, "after": at(2), "before": at(20)}, 3, 20},
			{map[string]any{"last": 5, "after": at(2)}, of.total - 5, of.total},
			{map[string]any{"first": 5, "before": at(20)}, 0, 5},
			{map[string]any{"first": 5, "after": at(2), "before": at(3)}, 3, 3},
			{map[string]any{"first": 5, "after": at(20), "before": at(2)}, 0, 0},
			{map[string]any{"first": 5, "after": at(of.total - 1)}, 0, 0},
			{map[string]any{"last": 5, "before": at(0)}, 0, 0},
		} {
			page := w.list(of.query, test.variables)
			page.check(t, of.total)
			if want := whole.keys()[test.from:test.to]; !slices.Equal(page.keys(), want) {
				t.Errorf("%s %v: %v, want %v", name, test.variables, page.keys(), want)
			}
		}
	}
}

// TestFeedCursorsDoNotDependOnTheOrderOfGroups names groups in another order, and one twice.
func TestFeedCursorsDoNotDependOnTheOrderOfGroups(t *testing.T) {
	w := newWorld(t)
	feed := func(groups string) []string {
		return w.list(`{ list: scalingActivities(groups: [`+groups+`], first: 100) `+selected+` }`, nil).keys()
	}
	a, b := `{groupId: "`+smallGroup+`"}`, `{groupId: "`+sampleGroup+`", region: "default"}`
	if one, other := feed(a+b), feed(b+a+b); !slices.Equal(one, other) || len(one) != 14 {
		t.Errorf("got %v and %v", one, other)
	}
}

// TestCursorOfAGoneRow continues at the neighbour.
func TestCursorOfAGoneRow(t *testing.T) {
	w := newWorld(t)
	of := walked["a group"]
	whole := w.list(of.query, map[string]any{"first": 10})
	w.emulator.Remove(project, busyGroup, emulator.ID(1004))
	page := w.list(of.query, map[string]any{"first": 2, "after": whole.Edges[4].Cursor})
	if want := whole.keys()[5:7]; !slices.Equal(page.keys(), want) {
		t.Errorf("got %v, want %v", page.keys(), want)
	}
	page = w.list(of.query, map[string]any{"last": 2, "before": whole.Edges[4].Cursor})
	if want := whole.keys()[2:4]; !slices.Equal(page.keys(), want) {
		t.Errorf("got %v, want %v", page.keys(), want)
	}
}
