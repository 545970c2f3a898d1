package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// TestForgedCursorsAreRejected gives a server with a secret the cursors of one without, which a client could make itself. The server rejects them
// before a call, and accepts those of a replica with the same secret.
func TestForgedCursorsAreRejected(t *testing.T) {
	t.Parallel()
	e, upstream := newUpstream(t)
	args := []string{"-upstream", upstream, "-project", testProject, "-poll=100ms"}
	open, secret, replica := startServer(t, args...), startServer(t, append(args, "-secret=shared")...), startServer(t, append(args, "-secret=shared")...)
	next := 0
	change := func(s *server, since string) receivedChange {
		t.Helper()
		changes := byEvents(t, s.base, changesOf(since, testGroup))
		defer changes.leave()
		next++
		start := time.Date(2026, 1, 3, 0, 0, next, 0, time.UTC)
		e.Insert(testProject, testGroup, emulator.Row{ID: emulator.ID(next), Status: emulator.Success, Type: "NORMAL", Start: start, End: start})
		h, ok := changes.next()
		if !ok {
			t.Fatal("no change was received")
		}
		return h
	}
	page := func(s *server, after string) string {
		query := fmt.Sprintf(`{scalingGroup(groupId: %q) {activities(first: 1%s) {pageInfo {endCursor}}}}`, testGroup, after)
		return s.do(t, http.MethodGet, "/graphql?query="+url.QueryEscape(query), "", "X-Auth-Token", testToken).body
	}
	since := func(s *server) string { return fmt.Sprintf("since: %q", change(s, "").Data.Change.Cursor) }
	after := func(s *server) string {
		_, rest, _ := strings.Cut(page(s, ""), `"endCursor":"`)
		cursor, _, _ := strings.Cut(rest, `"`)
		return fmt.Sprintf(", after: %q", cursor)
	}

	forgedSince, forgedAfter := since(open), after(open)
	e.Reset()
	if got := change(secret, forgedSince).String(); got != "BAD_USER_INPUT" || e.Count() > 0 {
		t.Errorf("a forged position of a subscription: %d calls, %s", e.Count(), got)
	}
	if got := page(secret, forgedAfter); !strings.Contains(got, "BAD_USER_INPUT") || e.Count() > 0 {
		t.Errorf("a forged cursor of a page: %d calls, %s", e.Count(), got)
	}
	if got := change(replica, since(secret)).String(); got != "FINISHED "+emulator.ID(next) {
		t.Errorf("a position of the other replica: %s", got)
	}
	if got := page(replica, after(secret)); strings.Contains(got, "errors") {
		t.Errorf("a cursor of the other replica: %s", got)
	}
}
