package resolvers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"scalegraph/internal/request"
	"scalegraph/internal/testkit"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// TestUpstreamFailures produces every entry of errorTable that an upstream can cause.
func TestUpstreamFailures(t *testing.T) {
	always := emulator.Always
	status := func(status int, code string, shape emulator.Shape) func(*http.Request) *emulator.Fault {
		return always(emulator.Fault{Status: status, Code: code, Shape: shape, Message: "about " + token + " at 127.0.0.1"})
	}
	broken := func(b emulator.Break) func(*http.Request) *emulator.Fault { return always(emulator.Fault{Break: b}) }
	tests := []struct {
		name      string
		fault     func(*http.Request) *emulator.Fault
		code      string
		retryable bool
		status    int // 0: the error says nothing of a response
		upstream  string
	}{
		{"401 of the gateway", status(401, "APIG.0301", emulator.ShapeGateway), "UNAUTHENTICATED", false, 401, "APIG.0301"},
		{"401 of the service", status(401, "AS.0005", emulator.ShapeAS), "UNAUTHENTICATED", false, 401, "AS.0005"},
		{"401 of IAM", status(401, "", emulator.ShapeIAM), "UNAUTHENTICATED", false, 401, "401"},
		{"403", status(403, "APIG.0302", emulator.ShapeGateway), "FORBIDDEN", false, 403, "APIG.0302"},
		{"foreign project", status(400, "AS.0008", emulator.ShapeAS), "FORBIDDEN", false, 400, "AS.0008"},
		{"missing right", status(400, "AS.0031", emulator.ShapeFlat), "FORBIDDEN", false, 400, "AS.0031"},
		{"unknown group", status(400, "AS.2007", emulator.ShapeAS), "NOT_FOUND", false, 400, "AS.2007"},
		{"throttled", always(emulator.Throttled(90 * time.Second)), "RATE_LIMITED", true, 429, "APIG.0308"},
		{"path that is not published", status(404, "APIG.0101", emulator.ShapeGateway), "UPSTREAM_BAD_RESPONSE", true, 404, "APIG.0101"},
		{"frozen account", status(400, "AS.8004", emulator.ShapeAS), "UPSTREAM_REJECTED", false, 400, "AS.8004"},
		{"408", status(408, "", emulator.ShapeEmpty), "UPSTREAM_TIMEOUT", true, 408, ""},
		{"504", status(504, "APIG.0201", emulator.ShapeGateway), "UPSTREAM_TIMEOUT", true, 504, "APIG.0201"},
		{"no answer", broken(emulator.Hang), "UPSTREAM_TIMEOUT", true, 0, ""},
		{"500", status(500, "AS.0001", emulator.ShapeAS), "UPSTREAM_UNAVAILABLE", true, 500, "AS.0001"},
		{"502 of a proxy", status(502, "", emulator.ShapeHTML), "UPSTREAM_UNAVAILABLE", true, 502, ""},
		{"503", status(503, "APIG.0613", emulator.ShapeGateway), "UPSTREAM_UNAVAILABLE", true, 503, "APIG.0613"},
		{"no connection", broken(emulator.ResetConnection), "UPSTREAM_UNAVAILABLE", true, 0, ""},
		{"not JSON", broken(emulator.NotJSON), "UPSTREAM_BAD_RESPONSE", true, 200, ""},
		{"wrong shape", broken(emulator.WrongShape), "UPSTREAM_BAD_RESPONSE", true, 200, ""},
		{"empty", broken(emulator.EmptyBody), "UPSTREAM_BAD_RESPONSE", true, 200, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.url = w.serve(w.pages(func(c *upstream.Config) { c.Timeout = time.Second })) // its breaker has seen nothing yet
			w.emulator.Fault(test.fault)
			a := w.ask(inGroup(`activities { nodes { id } }`), nil)
			e := a.one(t)
			if e.code() != test.code || e.Extensions["retryable"] != test.retryable || e.path() != "scalingGroup.activities" {
				t.Errorf("got %s, want code %s, retryable %v", a.raw, test.code, test.retryable)
			}
			if string(a.Data) != `{"scalingGroup":{"activities":null}}` {
				t.Errorf("data is %s", a.Data)
			}
			checkUpstream(t, a, e, test.status, test.upstream)
			w.checkLeaks(a)
		})
	}
}

func checkUpstream(t *testing.T, a response, e gqlError, status int, code string) {
	t.Helper()
	said, ok := e.Extensions["upstream"].(map[string]any)
	if !ok || len(said) != 3 {
		t.Fatalf("no word of the upstream in %s", a.raw)
	}
	if status == 0 {
		if said["status"] != nil || said["code"] != nil || said["requestId"] != nil {
			t.Errorf("the upstream is said to have answered %v", said)
		}
		return
	}
	var want any = code
	if code == "" {
		want = nil
	}
	if said["status"] != float64(status) || said["code"] != want {
		t.Errorf("the upstream is said to have answered %v, want %d %s", said, status, code)
	}
	if !slices.ContainsFunc(a.calls, func(call emulator.Request) bool { return call.ID == said["requestId"] }) {
		t.Errorf("request id %v is that of no call", said["requestId"])
	}
}

// checkLeaks searches for texts that a client must never see.
func (w *world) checkLeaks(a response) {
	w.t.Helper()
	for _, secret := range []string{token, w.upstream, strings.TrimPrefix(w.upstream, "http://"), "127.0.0.1", "autoscaling-api", "goroutine", ".go:"} {
		if bytes.Contains(a.raw, []byte(secret)) {
			w.t.Errorf("the response tells %q: %s", secret, a.raw)
		}
	}
	if strings.Contains(w.logs.String(), token) {
		w.t.Errorf("the log tells the token: %s", w.logs)
	}
}

func TestRetryAfter(t *testing.T) {
	w := newWorld(t)
	w.emulator.Fault(emulator.Always(emulator.Throttled(90 * time.Second)))
	e := w.ask(inGroup(`activities { totalCount }`), nil).one(t)
	if e.Extensions["retryAfterSeconds"] != 90.0 {
		t.Errorf("retryAfterSeconds is %v", e.Extensions["retryAfterSeconds"])
	}
}

func TestCircuitOpen(t *testing.T) {
	w := newWorld(t)
	w.emulator.Fault(emulator.Always(emulator.Fault{Status: 500, Code: "AS.0001"}))
	for range 100 {
		a := w.ask(inGroup(`activities { totalCount }`), nil)
		if e := a.one(t); e.code() != "UPSTREAM_UNAVAILABLE" {
			t.Fatalf("got %s", a.raw)
		}
		if len(a.calls) == 0 {
			return // the circuit is open: there was no call
		}
	}
	t.Error("the circuit never opened")
}

// TestFaults produces what only the server itself can cause.
func TestFaults(t *testing.T) {
	secret := "postgres://" + token
	tests := map[string]struct {
		err       error
		code      string
		retryable bool
		logged    bool
	}{
		"deadline":      {fmt.Errorf("waiting: %w", context.DeadlineExceeded), "REQUEST_TIMEOUT", true, false},
		"canceled":      {context.Canceled, "REQUEST_TIMEOUT", true, false},
		"place":         {fmt.Errorf("searched: %w", upstream.ErrPositionNotFound), "CURSOR_EXPIRED", false, false},
		"crowd":         {upstream.ErrTooManyTies, "CURSOR_EXPIRED", false, false},
		"calls":         {fmt.Errorf("%w: more than 200", request.ErrTooManyCalls), "QUERY_TOO_COMPLEX", false, false},
		"anything else": {errors.New(secret), "INTERNAL", false, true},
		"a timeout that wraps a deadline": {
			fmt.Errorf("%w: %w", upstream.ErrTimeout, context.DeadlineExceeded), "UPSTREAM_TIMEOUT", true, false,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, failing(func() error { return test.err }))
			a := w.ask(inGroup(`activities { nodes { id } }`), nil)
			if e := a.one(t); e.code() != test.code || e.Extensions["retryable"] != test.retryable || e.path() != "scalingGroup.activities" {
				t.Errorf("got %s, want %s", a.raw, test.code)
			}
			if bytes.Contains(a.raw, []byte(token)) {
				t.Errorf("the response tells the cause: %s", a.raw)
			}
			if _, ok := a.Errors[0].Extensions["upstream"]; ok != strings.HasPrefix(test.code, "UPSTREAM_") {
				t.Errorf("upstream in the extensions: %v", ok)
			}
			if n := strings.Count(w.logs.String(), secret); (n == 1) != test.logged {
				t.Errorf("logged %d times: %s", n, w.logs)
			}
		})
	}
}

func TestPanics(t *testing.T) {
	for field, path := range map[string]string{
		`activities { nodes { id } }`:                      "scalingGroup.activities",
		`activities { totalCount }`:                        "scalingGroup.activities",
		`activitySummary { total succeeded failed }`:       "scalingGroup.activitySummary",
		`activity(logId: "x") { id }`:                      "scalingGroup.activity",
		`latestActivity { id }`:                            "scalingGroup.latestActivity",
		`activitySummary { byType { type } }`:              "scalingGroup.activitySummary",
		`activities(first: 0) { pageInfo { __typename } }`: "scalingGroup.activities",
	} {
		w := newWorld(t, failing(func() error { panic("told " + token) }))
		a := w.ask(inGroup(field), nil)
		if e := a.one(t); e.code() != "INTERNAL" || e.path() != path {
			t.Errorf("%s: got %s", field, a.raw)
		}
		if bytes.Contains(a.raw, []byte(token)) {
			t.Errorf("%s: the response tells the cause: %s", field, a.raw)
		}
		if logs := w.logs.String(); !strings.Contains(logs, "errors_test.go") {
			t.Errorf("%s: no stack in %s", field, logs)
		}
	}
}

// failing lets every call end in what f does.
func failing(f func() error) func(*Config) {
	return func(c *Config) { c.Pages, c.Counts, c.Feeds = source{f}, source{f}, source{f} }
}

type source struct{ fail func() error }

func (s source) Page(context.Context, upstream.PageQuery) (upstream.Page, error) {
	return upstream.Page{}, s.fail()
}

func (s source) Count(context.Context, upstream.CountQuery) (upstream.Count, error) {
	return upstream.Count{}, s.fail()
}

func (s source) Feed(context.Context, upstream.FeedQuery) (upstream.FeedPage, error) {
	return upstream.FeedPage{}, s.fail()
}

func TestFrameworkErrors(t *testing.T) {
	w := newWorld(t)
	tests := map[string]string{
		`{`:                                  "GRAPHQL_PARSE_FAILED",
		`{ nonsense }`:                       "GRAPHQL_VALIDATION_FAILED",
		`{ __schema { types { name } } }`:    "GRAPHQL_VALIDATION_FAILED",
		`{ __type(name: "Query") { name } }`: "GRAPHQL_VALIDATION_FAILED",
		`{ a: scalingGroup(groupId: "g") { activities(first: 500) { nodes { ...a } edges { node { ...a } } } } }
		fragment a on ScalingActivity { ...b group { activities(first: 500) { nodes { ...b } } } }
		fragment b on ScalingActivity { id logId type }`: "QUERY_TOO_COMPLEX",
	}
	for query, code := range tests {
		a := w.ask(query, nil)
		if len(a.Errors) == 0 || a.Errors[0].code() != code || a.Errors[0].Extensions["retryable"] != false {
			t.Errorf("%s: got %s, want %s", query, a.raw, code)
		}
		if len(a.calls) > 0 {
			t.Errorf("%s: %d upstream calls", query, len(a.calls))
		}
	}
}

func TestTooManyCallsNamesBothNumbers(t *testing.T) {
	ctx := request.WithCaller(t.Context(), &request.Caller{MaxCalls: 200})
	public := publicErrorFor(ctx, fmt.Errorf("page: %w", request.ErrTooManyCalls))
	if public.Code != "QUERY_TOO_COMPLEX" || !strings.Contains(public.Message, "201") || !strings.Contains(public.Message, "200") {
		t.Errorf("got %v", public)
	}
}

// An internal error that only unavailableGroups reports is logged.
func TestFeedLogsFaultsOfOurs(t *testing.T) {
	var logs testkit.Buffer
	r := New(Config{Log: slog.New(slog.NewTextHandler(&logs, nil))})
	groups := r.unavailable(t.Context(), []upstream.Unavailable{{Group: groupA, Err: errors.New("a fault")}, {Group: groupB, Err: upstream.ErrTimeout}})
	if groups[0].Code != "INTERNAL" || groups[1].Code != "UPSTREAM_TIMEOUT" || strings.Count(logs.String(), "a fault") != 1 {
		t.Errorf("got %v, logged %s", groups, &logs)
	}
}

// A feed of which no group can be read fails with the most frequent error.
func TestFeedWithoutGroups(t *testing.T) {
	missing := func(errs ...error) []upstream.Unavailable {
		var all []upstream.Unavailable
		for _, err := range errs {
			all = append(all, upstream.Unavailable{Err: err})
		}
		return all
	}
	if got := mostCommonError(missing(upstream.ErrForbidden, upstream.ErrNotFound, upstream.ErrNotFound)); got != upstream.ErrNotFound {
		t.Errorf("got %v", got)
	}
	if got := mostCommonError(missing(upstream.ErrForbidden, upstream.ErrNotFound)); got != upstream.ErrForbidden {
		t.Errorf("got %v", got)
	}
}
