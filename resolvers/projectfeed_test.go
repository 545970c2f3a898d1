package resolvers

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// feedPage is a page of the feed of a project.
type feedPage struct {
	Project struct {
		ScalingActivities struct {
			TotalCount int
			Edges      []struct {
				Cursor string
				Node   struct {
					LogID     string
					StartTime time.Time
					Group     struct{ GroupID string }
				}
			}
			PageInfo          struct{ HasNextPage, HasPreviousPage bool }
			UnavailableGroups []struct {
				Code  string
				Group struct{ GroupID string }
			}
		}
	}
}

// projectHistory is a project whose groups come and go, and what a walk over its feed has seen.
type projectHistory struct {
	*rapid.T
	w       *world
	next    int                         // number of the next group and row
	stayed  map[upstream.FeedPoint]bool // rows that were there at the start, and still are
	cursors map[string]string           // by row
}

// TestProjectFeedOverGroupsThatComeAndGo walks the feed of a project in either direction, in pages of any size, while groups are created, deleted
// and renamed and logs grow: rows that were there at the start and stayed are seen exactly once, all rows are in order and have one cursor, and
// nothing is unavailable but what is gone.
func TestProjectFeedOverGroupsThatComeAndGo(t *testing.T) {
	w := newProjectWorld(t, 0)
	w.url = w.serve(w.pages(nil), inventoryWithoutFreshness(w))
	next := 0
	rapid.Check(t, func(rt *rapid.T) {
		for _, g := range w.emulator.Groups(project) {
			w.emulator.RemoveGroup(project, g.ID)
		}
		h := &projectHistory{T: rt, w: w, next: next, stayed: map[upstream.FeedPoint]bool{}, cursors: map[string]string{}}
		for range rapid.IntRange(1, 8).Draw(rt, "groups") {
			h.create(rapid.IntRange(0, 25).Draw(rt, "rows"))
		}
		for p := range h.points() {
			h.stayed[p] = true
		}
		h.checkWalk(h.walk(rapid.Bool().Draw(rt, "backward")))
		next = h.next
	})
}

// create adds a group with rows, of which several start in one second.
func (h *projectHistory) create(rows int) {
	h.next++
	g := emulator.Group{ID: groupID(h.next), Name: groupName(rapid.IntRange(0, 5).Draw(h.T, "name"))}
	h.w.emulator.PutGroup(project, g)
	h.grow(g.ID, rows)
}

func (h *projectHistory) grow(group string, rows int) {
	var list []emulator.Row
	for range rows {
		h.next++
		start := newestStart.Add(time.Duration(rapid.IntRange(-60, 0).Draw(h.T, "second")) * time.Second)
		list = append(list, emulator.Row{ID: fmt.Sprintf("%06d", h.next*7919%1_000_003), Status: emulator.Success, Type: emulator.Normal, Start: start, End: start})
	}
	h.w.emulator.Insert(project, group, list...)
}

// points returns the places of all rows that there are now.
func (h *projectHistory) points() map[upstream.FeedPoint]bool {
	all := map[upstream.FeedPoint]bool{}
	for _, g := range h.w.emulator.Groups(project) {
		for _, r := range h.w.emulator.Rows(project, g.ID) {
			all[pointOf(g.ID, r.Start, r.ID)] = true
		}
	}
	return all
}

func pointOf(group string, start time.Time, logID string) upstream.FeedPoint {
	return upstream.FeedPoint{Second: start.Unix(), Group: upstream.Group{Region: "default", Project: project, ID: group}, LogID: logID}
}

// walk returns what a walk from one end to the other sees, newest first.
func (h *projectHistory) walk(backward bool) []upstream.FeedPoint {
	var seen []upstream.FeedPoint
	var cursor any
	for {
		arguments := "first: $n, after: $c"
		if backward {
			arguments = "last: $n, before: $c"
		}
		page := must[feedPage](h.w.t, h.w.ask(`query($n: Int, $c: String) {project {scalingActivities(`+arguments+`) {totalCount
			edges {cursor node {logId startTime group {groupId}}} pageInfo {hasNextPage hasPreviousPage} unavailableGroups {code group {groupId}}}}}`,
			map[string]any{"n": rapid.IntRange(1, 30).Draw(h.T, "count"), "c": cursor})).Project.ScalingActivities
		if len(page.UnavailableGroups) > 0 {
			h.Fatalf("unavailable: %+v", page.UnavailableGroups)
		}
		if all := h.points(); page.TotalCount != len(all) {
			h.Fatalf("total %d of %d rows", page.TotalCount, len(all))
		}
		var points []upstream.FeedPoint
		for _, e := range page.Edges {
			points = append(points, pointOf(e.Node.Group.GroupID, e.Node.StartTime, e.Node.LogID))
			if old, ok := h.cursors[e.Node.LogID]; ok && old != e.Cursor {
				h.Fatalf("%s has two cursors", e.Node.LogID)
			}
			h.cursors[e.Node.LogID] = e.Cursor
		}
		if len(points) > 0 && backward {
			seen, cursor = append(points, seen...), page.Edges[0].Cursor
		} else if len(points) > 0 {
			seen, cursor = append(seen, points...), page.Edges[len(page.Edges)-1].Cursor
		}
		if more := page.PageInfo.HasNextPage && !backward || page.PageInfo.HasPreviousPage && backward; !more || len(points) == 0 {
			return seen
		}
		h.change()
	}
}

// change creates, deletes or renames a group, lets one grow or deletes a row, or does nothing.
func (h *projectHistory) change() {
	groups := h.w.emulator.Groups(project)
	pick := func(what string) string { return rapid.SampledFrom(groups).Draw(h.T, what).ID }
	switch rapid.IntRange(0, 6).Draw(h.T, "change") {
	case 0:
		h.create(rapid.IntRange(0, 10).Draw(h.T, "rows"))
	case 1:
		if len(groups) > 1 {
			h.w.emulator.RemoveGroup(project, pick("removed"))
		}
	case 2:
		h.w.emulator.UpdateGroup(project, pick("renamed"), func(g *emulator.Group) { g.Name += "x" })
	case 3:
		h.grow(pick("grown"), rapid.IntRange(1, 10).Draw(h.T, "rows"))
	case 4:
		group := pick("group of the row")
		if rows := h.w.emulator.Rows(project, group); len(rows) > 0 {
			h.w.emulator.Remove(project, group, rapid.SampledFrom(rows).Draw(h.T, "deleted").ID)
		}
	}
	all := h.points()
	for p := range h.stayed {
		if !all[p] {
			delete(h.stayed, p)
		}
	}
}

func (h *projectHistory) checkWalk(seen []upstream.FeedPoint) {
	if !slices.IsSortedFunc(seen, upstream.FeedPoint.Compare) {
		h.Fatalf("out of order: %v", seen)
	}
	if n := len(slices.Compact(slices.Clone(seen))); n != len(seen) {
		h.Fatalf("%d rows are there twice", len(seen)-n)
	}
	for p := range h.stayed {
		if !slices.Contains(seen, p) {
			h.Fatalf("%v was not seen in %v", p, seen)
		}
	}
}

// TestProjectFeedNamesGroupsThatCannotBeRead has a group that is deleted between the list and its log, and one that fails.
func TestProjectFeedNamesGroupsThatCannotBeRead(t *testing.T) {
	w := newProjectWorld(t, 3)
	for i := range 3 {
		w.emulator.Insert(project, groupID(i), sampleRows(2, 100*(i+1))...)
	}
	must[any](t, w.ask(`{project {scalingGroups {totalCount}}}`, nil))
	w.emulator.RemoveGroup(project, groupID(1)) // the list is cached
	page := must[feedPage](t, w.ask(`{project {scalingActivities {totalCount unavailableGroups {code group {groupId}}}}}`, nil)).Project.ScalingActivities
	if u := page.UnavailableGroups; page.TotalCount != 4 || len(u) != 1 || u[0].Code != "NOT_FOUND" || u[0].Group.GroupID != groupID(1) {
		t.Errorf("%+v", page)
	}
}
