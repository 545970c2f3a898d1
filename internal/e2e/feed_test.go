package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"sync"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// feedOf is scalingFeed, with the alias that listeners expect.
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

// byMultipart subscribes by multipart responses.
func byMultipart(t *testing.T, base, query string) listener {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/graphql?query="+url.QueryEscape(query), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "multipart/mixed;subscriptionSpec=1.0, application/json")
	req.Header.Set("X-Auth-Token", testToken)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || params["subscriptionSpec"] == "" && params["subscriptionspec"] == "" {
		t.Fatalf("content type %q", resp.Header.Get("Content-Type"))
	}
	parts := multipart.NewReader(resp.Body, params["boundary"])
	over := false
	next := func() (h receivedChange, ok bool) {
		for {
			part, err := parts.NextPart()
			if err != nil {
				over = err == io.EOF
				return receivedChange{}, false
			}
			var m struct{ Payload json.RawMessage }
			if json.NewDecoder(part).Decode(&m) == nil && len(m.Payload) > 0 { // the others are heartbeats
				return h, json.Unmarshal(m.Payload, &h) == nil
			}
		}
	}
	return listener{next, func() bool { return over }, sync.OnceFunc(func() {
		cancel()
		resp.Body.Close()
	})}
}

// TestFeedGoesOnWithoutAGroup follows a group, one that does not exist yet and one that is forbidden at first, over every transport.
func TestFeedGoesOnWithoutAGroup(t *testing.T) {
	t.Parallel()
	for name, subscribe := range map[string]func(base, query string) listener{
		"server-sent events": func(base, query string) listener { return byEvents(t, base, query) },
		"WebSocket":          func(base, query string) listener { return bySocket(t, base, query) },
		"multipart":          func(base, query string) listener { return byMultipart(t, base, query) },
	} {
		t.Run(name, func(t *testing.T) { testFeedOver(t, subscribe) })
	}
}

func testFeedOver(t *testing.T, subscribe func(base, query string) listener) {
	const missing, forbidden, failing = "not-yet", "forbidden", "failing"
	e, upstream := newUpstream(t)
	groups := []string{testGroup, missing, forbidden, failing} // and six others that can be read
	for n := range 6 {
		groups = append(groups, fmt.Sprint("quiet-", n))
		e.AddGroup(testProject, groups[len(groups)-1])
	}
	s := startServer(t, "-upstream", upstream, "-project", testProject, "-poll", "100ms")
	deny := func(r *http.Request) *emulator.Fault {
		switch path.Base(r.URL.Path) {
		case forbidden:
			return &emulator.Fault{Status: http.StatusForbidden, Code: "AS.0011"}
		case failing:
			return &emulator.Fault{Status: http.StatusInternalServerError}
		}
		return nil
	}
	e.AddGroup(testProject, forbidden)
	e.AddGroup(testProject, failing)
	e.Fault(deny)
	next := func(l listener) receivedChange {
		t.Helper()
		h, ok := l.next()
		if !ok || len(h.Errors) > 0 {
			t.Fatalf("got %v %v", h, ok)
		}
		return h
	}
	unavailable := func(l listener) {
		t.Helper()
		codes := map[string]bool{}
		for range 3 {
			codes[next(l).Data.Change.Code] = true
		}
		if !codes["NOT_FOUND"] || !codes["FORBIDDEN"] || !codes["UPSTREAM_UNAVAILABLE"] {
			t.Fatalf("unavailable: %v", codes)
		}
	}
	l := subscribe(s.base, feedOf("", groups...))
	unavailable(l)
	row := emulator.Row{ID: emulator.ID(1), Status: emulator.Success, Type: "NORMAL", Start: time.Now()} // not before the subscription
	e.Insert(testProject, testGroup, row)
	h := next(l)
	if h.String() != "FINISHED "+row.ID {
		t.Fatalf("got %+v", h)
	}
	l.leave()

	l = subscribe(s.base, feedOf(fmt.Sprintf("since: %q", h.Data.Change.Cursor), groups...))
	defer l.leave()
	unavailable(l)
	e.AddGroup(testProject, missing)
	row.ID, row.Start = emulator.ID(101), time.Now()
	e.Insert(testProject, missing, row)
	e.Insert(testProject, forbidden, row)
	e.Insert(testProject, failing, row)
	e.Fault(nil)
	var events []string
	for range 6 {
		h := next(l).Data.Change
		events = append(events, h.Typename+" "+h.Activity.LogID)
	}
	available, change := "ScalingGroupAvailable ", "ScalingActivityChange "+row.ID
	if count(events, available) != 3 || count(events, change) != 3 || events[0] != available {
		t.Fatalf("after the outages: %q", events)
	}
	refused := subscribe(s.base, feedOf("", missing+"-either"))
	defer refused.leave()
	if h, _ := refused.next(); h.String() != "NOT_FOUND" {
		t.Errorf("without a group: %v", h)
	}
}

func count(list []string, text string) int {
	n := 0
	for _, s := range list {
		if s == text {
			n++
		}
	}
	return n
}
