package app

import (
	"fmt"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// feedOf is scalingFeed, under the name that listeners expect.
func feedOf(since string, groups ...string) string {
	refs := ""
	for _, id := range groups {
		refs += fmt.Sprintf("{groupId: %q}", id)
	}
	return fmt.Sprintf(`subscription { scalingActivityChanged: scalingFeed(groups: [%s] %s) {
		__typename
		... on ScalingActivityChange { cursor kind activity { logId status } }
		... on ScalingGroupUnavailable { code message retryable group { groupId } }
		... on ScalingGroupAvailable { group { groupId } }
	} }`, refs, since)
}

// TestFeedGoesOnWithoutAGroup follows a group and one that does not exist yet, by server-sent events and by WebSocket.
func TestFeedGoesOnWithoutAGroup(t *testing.T) {
	const missing = "not-yet"
	e, upstream := newUpstream(t)
	s := startServer(t, "-upstream", upstream, "-project", testProject, "-poll", "100ms")
	next := func(l listener) heard {
		t.Helper()
		h, ok := l.next()
		if !ok || len(h.Errors) > 0 {
			t.Fatalf("got %v %v", h, ok)
		}
		return h
	}
	for i, subscribe := range []func(string) listener{
		func(query string) listener { return byEvents(t, s.base, query) },
		func(query string) listener { return bySocket(t, s.base, query) },
	} {
		e.RemoveGroup(testProject, missing)
		l := subscribe(feedOf("", testGroup, missing))
		if h := next(l); h.Data.Change.Typename != "ScalingGroupUnavailable" || h.Data.Change.Code != "NOT_FOUND" {
			t.Fatalf("got %+v", h)
		}
		row := emulator.Row{ID: emulator.ID(i + 1), Status: emulator.Success, Type: "NORMAL", Start: time.Now()}
		e.Insert(testProject, testGroup, row)
		h := next(l)
		if h.String() != "FINISHED "+row.ID {
			t.Fatalf("got %+v", h)
		}
		l.leave()
		l = subscribe(feedOf(fmt.Sprintf("since: %q", h.Data.Change.Cursor), testGroup, missing))
		if h := next(l); h.Data.Change.Typename != "ScalingGroupUnavailable" {
			t.Fatalf("got %+v", h)
		}
		e.AddGroup(testProject, missing)
		row.ID = emulator.ID(i + 101)
		e.Insert(testProject, missing, row)
		if h := next(l); h.Data.Change.Typename != "ScalingGroupAvailable" {
			t.Fatalf("got %+v", h)
		}
		if h := next(l); h.String() != "FINISHED "+row.ID {
			t.Fatalf("got %+v", h)
		}
		l.leave()
	}
	refused := byEvents(t, s.base, feedOf("", missing+"-either"))
	defer refused.leave()
	if h, _ := refused.next(); h.String() != "NOT_FOUND" {
		t.Errorf("without a group: %v", h)
	}
}
