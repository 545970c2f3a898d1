package resolvers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

func countCalls(a response) map[emulator.Call]int {
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
	page := must[listPage](t, w.ask(`{at: project {list: scalingGroups(first: 1) {pageInfo {endCursor}}}}`, nil))
	a := w.ask(`query($c: String) {project {scalingGroups(after: $c, filter: {name: "web"}) {totalCount}}}`, map[string]any{"c": page.At.List.PageInfo.EndCursor})
	if e := a.one(t); e.code() != "CURSOR_MISMATCH" {
		t.Errorf("%s", a.raw)
	}
}

// Groups are added, removed and renamed between the pages of a walk: every group that stayed under its name is seen once, in order, and
// always with the same cursor.
func TestWalkOverGroupsThatChange(t *testing.T) {
	w := newProjectWorld(t, 0)
	next := 0
	w.url = w.serve(w.pages(nil), inventoryWithoutFreshness(w))
	rapid.Check(t, func(rt *rapid.T) {
		for _, g := range w.emulator.Groups(project) {
			w.emulator.RemoveGroup(project, g.ID)
		}
		stay := map[string]bool{}
		for range rapid.IntRange(1, 25).Draw(rt, "groups") {
			next++
			w.emulator.PutGroup(project, emulator.Group{ID: groupID(next), Name: fmt.Sprintf("n%d", next%7)})
			stay[groupID(next)] = true
		}
		w.walkOverList(t, rt, `at: project {list: scalingGroups(ARGUMENTS) {`+pageOfList("groupId", "name")+`}}`, stay, func() { changeGroups(rt, w, &next, stay) })
	})
}

// TestWalkOverInstancesThatChange is the same with the instances of a group: they join, some in one second, get their ids, and leave.
func TestWalkOverInstancesThatChange(t *testing.T) {
	w := newProjectWorld(t, 1)
	next := 0
	w.url = w.serve(w.pages(nil), inventoryWithoutFreshness(w))
	rapid.Check(t, func(rt *rapid.T) {
		member := func() emulator.Member {
			next++
			m := emulator.Member{Name: fmt.Sprintf("instance-%d", next), Joined: time.Unix(1_700_000_000+rapid.Int64Range(0, 9).Draw(rt, "joined"), 0)}
			if rapid.Bool().Draw(rt, "created") {
				m.ID = groupID(next)
			}
			return m
		}
		stay := map[string]bool{}
		var members []emulator.Member
		for range rapid.IntRange(1, 25).Draw(rt, "instances") {
			members = append(members, member())
			stay[members[len(members)-1].Name] = true
		}
		w.emulator.SetMembers(project, groupID(0), members...)
		w.walkOverList(t, rt, fmt.Sprintf(`at: scalingGroup(groupId: %q) {list: instances(ARGUMENTS) {`, groupID(0))+pageOfList("instanceName", "instanceName")+`}}`, stay, func() {
			switch rapid.IntRange(0, 3).Draw(rt, "change") {
			case 0:
				members = append(members, member())
			case 1:
				i := rapid.IntRange(0, len(members)-1).Draw(rt, "removed")
				delete(stay, members[i].Name)
				members = slices.Delete(members, i, i+1)
			case 2:
				i := rapid.IntRange(0, len(members)-1).Draw(rt, "changed")
				members[i].ID, members[i].State = groupID(next), emulator.Standby
			}
			w.emulator.SetMembers(project, groupID(0), members...)
		})
	})
}

// pageOfList selects what walkOverList reads: the field that identifies an entry, and the one that it is sorted by.
func pageOfList(id, name string) string {
	return `totalCount edges {cursor node {id: ` + id + ` name: ` + name + `}} pageInfo {hasNextPage hasPreviousPage startCursor endCursor}`
}

// walkOverList walks over a list in both directions, in pages of random size, and calls change between them. Every entry that is in stay at the
// end of a walk must have been seen in it once, and no entry may have two cursors.
func (w *world) walkOverList(t *testing.T, rt *rapid.T, field string, stay map[string]bool, change func()) {
	cursors := map[string]string{}
	first := rapid.Bool().Draw(rt, "backward first")
	for _, backward := range []bool{first, !first} {
		times := map[string]int{}
		for _, id := range w.walkOnce(t, rt, field, backward, cursors, change) {
			times[id]++
		}
		for id := range stay {
			if times[id] != 1 {
				rt.Fatalf("backward %v: %s stayed and was seen %d times", backward, id, times[id])
			}
		}
	}
}

// walkOnce walks over a list from one end to the other and returns the ids that it saw. cursors has the cursor of each entry that was seen before.
func (w *world) walkOnce(t *testing.T, rt *rapid.T, field string, backward bool, cursors map[string]string, change func()) (seen []string) {
	arguments := "first: $n, after: $c"
	if backward {
		arguments = "last: $n, before: $c"
	}
	query := "query($n: Int, $c: String) {" + strings.Replace(field, "ARGUMENTS", arguments, 1) + "}"
	for cursor := any(nil); ; change() {
		size := rapid.IntRange(1, 6).Draw(rt, "size")
		page := must[listPage](t, w.ask(query, map[string]any{"n": size, "c": cursor})).At.List
		for _, e := range page.Edges {
			seen = append(seen, e.Node.ID)
			key := e.Node.ID + " " + e.Node.Name
			if old, ok := cursors[key]; ok && old != e.Cursor {
				rt.Fatalf("%s has two cursors", key)
			}
			cursors[key] = e.Cursor
		}
		more := page.PageInfo.HasNextPage
		if cursor = page.PageInfo.EndCursor; backward {
			more, cursor = page.PageInfo.HasPreviousPage, page.PageInfo.StartCursor
		}
		if !more {
			return seen
		}
	}
}

type listPage struct {
	At struct {
		List struct {
			TotalCount int
			Edges      []struct {
				Cursor string
				Node   struct{ ID, Name string }
			}
			PageInfo struct {
				HasNextPage, HasPreviousPage bool
				StartCursor, EndCursor       string
			}
		}
	}
}

// changeGroups adds, removes or renames a group, or does nothing.
func changeGroups(rt *rapid.T, w *world, next *int, stay map[string]bool) {
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
		w.emulator.Insert(project, groupID(i), sampleRows(5, 100*(i+1))...)
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
	w.emulator.Insert(project, groupID(9), sampleRows(5, 900)...)
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
