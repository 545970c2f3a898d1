package resolvers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"scalegraph/upstream/emulator"
)

// newProjectWorld starts a world whose project has n named groups and nothing else.
func newProjectWorld(t testing.TB, n int) *world {
	t.Helper()
	w := newWorld(t)
	for _, g := range w.emulator.Groups(project) {
		w.emulator.RemoveGroup(project, g.ID)
	}
	for i := range n {
		w.emulator.PutGroup(project, emulator.Group{ID: groupID(i), Name: groupName(i), Min: 1, Max: 9, Desire: 3})
	}
	return w
}

func groupID(i int) string   { return fmt.Sprintf("c0000000-0000-4000-8000-%012d", i) }
func groupName(i int) string { return fmt.Sprintf("web-%03d", i) }

func countCalls(a answer) map[emulator.Call]int {
	calls := map[emulator.Call]int{}
	for _, r := range a.calls {
		calls[r.Call]++
	}
	return calls
}

func TestDetailsOfManyGroupsAreOneListCall(t *testing.T) {
	w := newProjectWorld(t, 30)
	var refs []string
	for i := range 30 {
		refs = append(refs, fmt.Sprintf("{groupId: %q}", groupID(i)))
	}
	query := "{scalingGroups(groups: [" + strings.Join(refs, ",") + "]) {name details {name status maxInstances stale}}}"
	a := w.ask(query, nil)
	got := must[struct{ ScalingGroups []struct{ Name string } }](t, a)
	for i, g := range got.ScalingGroups {
		if g.Name != groupName(i) {
			t.Errorf("group %d is called %q", i, g.Name)
		}
	}
	if calls := countCalls(a); calls[emulator.Groups] != 1 || len(calls) != 1 {
		t.Errorf("calls %v, want one list", calls)
	}
	if again := w.ask(query, nil); len(again.calls) != 0 {
		t.Errorf("again: %d calls, want none", len(again.calls))
	}
}

func TestDetailsOfOneGroupAreOneShowCall(t *testing.T) {
	w := newProjectWorld(t, 30)
	a := w.ask(fmt.Sprintf("{scalingGroup(groupId: %q) {name details {desiredInstances}}}", groupID(7)), nil)
	must[any](t, a)
	if calls := countCalls(a); calls[emulator.ShowGroup] != 1 || len(calls) != 1 {
		t.Errorf("calls %v, want one show", calls)
	}
}

func TestDetailsAndDeniedCalls(t *testing.T) {
	both := fmt.Sprintf("{scalingGroups(groups: [{groupId: %q}, {groupId: %q}]) {details {name}}}", groupID(0), groupID(1))
	one := fmt.Sprintf("{scalingGroup(groupId: %q) {name details {name} activities {totalCount}}}", groupID(0))
	cases := map[string]struct {
		denied []emulator.Call
		query  string
		code   string // of the errors; empty: none
	}{
		"several without the list":    {[]emulator.Call{emulator.Groups}, both, ""},
		"several without both":        {[]emulator.Call{emulator.Groups, emulator.ShowGroup}, both, "FORBIDDEN"},
		"one without the show call":   {[]emulator.Call{emulator.ShowGroup}, one, ""},
		"one without both, with logs": {[]emulator.Call{emulator.Groups, emulator.ShowGroup}, one, "FORBIDDEN"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newProjectWorld(t, 3)
			w.emulator.RestrictToken(token, emulator.LacksPermission, c.denied...)
			a := w.ask(c.query, nil)
			if c.code == "" {
				must[any](t, a)
				return
			}
			for _, e := range a.Errors {
				if e.code() != c.code || !strings.HasSuffix(e.path(), "details") {
					t.Errorf("%s at %s", e.code(), e.path())
				}
			}
			if len(a.Errors) == 0 || strings.Contains(string(a.Data), `"activities":null`) {
				t.Errorf("%s", a.raw)
			}
		})
	}
}

func TestGroupThatIsMissingInTheListIsShownOnce(t *testing.T) {
	w := newProjectWorld(t, 3)
	a := w.ask(fmt.Sprintf("{scalingGroups(groups: [{groupId: %q}, {groupId: %q}]) {name details {name}}}", groupID(0), noGroup), nil)
	if e := a.one(t); e.code() != "NOT_FOUND" || e.path() != "scalingGroups.1.details" {
		t.Errorf("%s at %s", e.code(), e.path())
	}
	if calls := countCalls(a); calls[emulator.Groups] != 1 || calls[emulator.ShowGroup] != 1 {
		t.Errorf("calls %v", calls)
	}
}

func TestProjectArguments(t *testing.T) {
	w := newProjectWorld(t, 1)
	for query, argument := range map[string]string{
		`{project(region: "nowhere") {id}}`:                                 "region",
		`{project(projectId: "") {id}}`:                                     "projectId",
		`{project {scalingGroups(filter: {status: UNKNOWN}) {totalCount}}}`: "filter.status",
		`{project {scalingGroups(first: 501) {totalCount}}}`:                "first",
		`{project {scalingGroups(after: "x") {totalCount}}}`:                "after",
	} {
		if e := w.ask(query, nil).one(t); e.code() != "BAD_USER_INPUT" || !strings.Contains(e.Message, "`"+argument+"`") {
			t.Errorf("%s: %s %q", query, e.code(), e.Message)
		}
	}
	a := w.ask(`{project {id projectId region}}`, nil)
	got := must[struct {
		Project struct{ ID, ProjectID, Region string }
	}](t, a)
	if len(a.calls) != 0 || got.Project.ProjectID != project || got.Project.Region != "default" {
		t.Errorf("%s after %d calls", a.raw, len(a.calls))
	}
	again := must[struct{ Node struct{ ProjectID string } }](t, w.ask(`query($id: ID!) {node(id: $id) {... on Project {projectId}}}`, map[string]any{"id": got.Project.ID}))
	if again.Node.ProjectID != project {
		t.Errorf("node returns %+v", again)
	}
}

func TestCursorOfAnotherFilterIsAMismatch(t *testing.T) {
	w := newProjectWorld(t, 3)
	page := must[groupPage](t, w.ask(`{project {scalingGroups(first: 1) {pageInfo {endCursor}}}}`, nil))
	a := w.ask(`query($c: String) {project {scalingGroups(after: $c, filter: {name: "web"}) {totalCount}}}`, map[string]any{"c": page.Project.ScalingGroups.PageInfo.EndCursor})
	if e := a.one(t); e.code() != "CURSOR_MISMATCH" {
		t.Errorf("%s", a.raw)
	}
}

type groupPage struct {
	Project struct {
		ScalingGroups struct {
			TotalCount int
			Edges      []struct {
				Cursor string
				Node   struct{ GroupID, Name string }
			}
			PageInfo struct {
				HasNextPage, HasPreviousPage bool
				StartCursor, EndCursor       string
			}
		}
	}
}

// Groups are added, removed and renamed between the pages of a walk: every group that stayed under its name is seen once, in order, and
// always with the same cursor.
func TestWalkOverGroupsThatChange(t *testing.T) {
	w := newProjectWorld(t, 0)
	next := 0
	cached := inventoryWithoutFreshness(w)
	url := w.serve(w.pages(nil), cached)
	w.url = url
	rapid.Check(t, func(rt *rapid.T) {
		for _, g := range w.emulator.Groups(project) {
			w.emulator.RemoveGroup(project, g.ID)
		}
		stay := map[string]string{}
		for range rapid.IntRange(1, 25).Draw(rt, "groups") {
			next++
			w.emulator.PutGroup(project, emulator.Group{ID: groupID(next), Name: fmt.Sprintf("n%d", next%7)})
			stay[groupID(next)] = fmt.Sprintf("n%d", next%7)
		}
		backward := rapid.Bool().Draw(rt, "backward")
		var seen []string
		cursors := map[string]string{}
		var cursor any
		for {
			size := rapid.IntRange(1, 6).Draw(rt, "size")
			arguments := "first: $n, after: $c"
			if backward {
				arguments = "last: $n, before: $c"
			}
			page := must[groupPage](t, w.ask(`query($n: Int, $c: String) {project {scalingGroups(`+arguments+`) {totalCount edges {cursor node {groupId name}}
				pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}}`, map[string]any{"n": size, "c": cursor})).Project.ScalingGroups
			var ids []string
			for _, e := range page.Edges {
				ids = append(ids, e.Node.GroupID)
				key := e.Node.GroupID + e.Node.Name
				if old, ok := cursors[key]; ok && old != e.Cursor {
					rt.Fatalf("%s has two cursors", key)
				}
				cursors[key] = e.Cursor
			}
			if backward {
				seen = append(ids, seen...)
				cursor = page.PageInfo.StartCursor
			} else {
				seen = append(seen, ids...)
				cursor = page.PageInfo.EndCursor
			}
			if more := page.PageInfo.HasNextPage && !backward || page.PageInfo.HasPreviousPage && backward; !more {
				break
			}
			change(rt, w, &next, stay)
		}
		var found []string
		for _, id := range seen {
			if _, ok := stay[id]; ok {
				found = append(found, id)
			}
		}
		slices.SortFunc(found, strings.Compare)
		if len(found) != len(stay) || len(slices.Compact(found)) != len(stay) {
			rt.Fatalf("saw %d of the %d groups that stayed: %v", len(found), len(stay), seen)
		}
	})
}

// change adds, removes or renames a group.
func change(rt *rapid.T, w *world, next *int, stay map[string]string) {
	groups := w.emulator.Groups(project)
	switch rapid.IntRange(0, 3).Draw(rt, "change") {
	case 0:
		*next++
		w.emulator.PutGroup(project, emulator.Group{ID: groupID(*next), Name: fmt.Sprintf("n%d", *next%7)})
	case 1:
		g := rapid.SampledFrom(groups).Draw(rt, "removed")
		w.emulator.RemoveGroup(project, g.ID)
		delete(stay, g.ID)
	case 2:
		g := rapid.SampledFrom(groups).Draw(rt, "renamed")
		w.emulator.UpdateGroup(project, g.ID, func(g *emulator.Group) { g.Name += "x" })
		delete(stay, g.ID)
	}
}

func TestProjectFeedNamesGroupsById(t *testing.T) {
	w := newProjectWorld(t, 0)
	w.url = w.serve(w.pages(nil), inventoryWithoutFreshness(w))
	for i := range 3 {
		w.emulator.PutGroup(project, emulator.Group{ID: groupID(i), Name: groupName(i)})
		w.emulator.Insert(project, groupID(i), madeRows(5, 100*(i+1))...)
	}
	type feed struct {
		Project struct {
			ScalingActivities struct {
				TotalCount int
				Edges      []struct {
					Cursor string
					Node   struct{ LogID string }
				}
				UnavailableGroups []struct{ Code string }
			}
		}
	}
	read := func(after any) feed {
		return must[feed](t, w.ask(`query($c: String) {project {scalingActivities(first: 4, after: $c) {totalCount edges {cursor node {logId}} unavailableGroups {code}}}}`, map[string]any{"c": after}))
	}
	first := read(nil).Project.ScalingActivities
	if first.TotalCount != 15 || len(first.Edges) != 4 {
		t.Fatalf("%+v", first)
	}
	// Another group joins, one leaves: the cursor stays valid and no row is repeated.
	w.emulator.PutGroup(project, emulator.Group{ID: groupID(9), Name: groupName(9)})
	w.emulator.Insert(project, groupID(9), madeRows(5, 900)...)
	w.emulator.RemoveGroup(project, groupID(2))
	second := read(first.Edges[3].Cursor).Project.ScalingActivities
	for _, e := range second.Edges {
		for _, f := range first.Edges {
			if e.Node.LogID == f.Node.LogID {
				t.Errorf("row %s is there twice", e.Node.LogID)
			}
		}
	}
	if second.TotalCount != 15 || len(second.UnavailableGroups) != 0 {
		t.Errorf("%+v", second)
	}
}

// inventoryWithoutFreshness has every request read the lists anew.
func inventoryWithoutFreshness(w *world) func(*Config) {
	return func(c *Config) { w.setInventory(c, 0) }
}
