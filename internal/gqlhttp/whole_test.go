package gqlhttp_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/paging"
	"scalegraph/internal/testkit"
	"scalegraph/resolvers"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

const (
	project   = "0605767d9980d5762fbcc00b9a5ac2c0"
	realGroup = "77a7a397-7d2f-4e79-9da9-6a35e2709150"
	token     = "whole-token"
)

// whole is the program as it is composed, over an emulated upstream with one group of 250 rows.
func whole(t testing.TB, cfg gqlhttp.Config) (target string, e *emulator.Emulator) {
	t.Helper()
	e = emulator.New(emulator.Switches{})
	e.AddToken(token, project)
	for i := range 250 {
		start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Add(-time.Duration(i) * time.Minute)
		e.Insert(project, realGroup, emulator.Row{ID: emulator.ID(i), Type: "NORMAL", Status: "SUCCESS", Start: start, End: start.Add(time.Second)})
	}
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"default": emulatortest.Serve(t, e)}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	pages := paging.New(client)
	log := slog.New(slog.DiscardHandler)
	cfg.DemoToken, cfg.ErrorPresenter, cfg.RecoverFunc = token, resolvers.ErrorPresenter(log), resolvers.Recover(log)
	cfg.Extensions = []graphql.HandlerExtension{resolvers.Extension{}}
	schema := graph.NewExecutableSchema(graph.Config{
		Resolvers:  resolvers.New(resolvers.Config{Pages: pages, Counts: pages, Feeds: pages, Region: "default", DefaultProject: project}),
		Complexity: resolvers.Complexity(),
	})
	return start(t, gqlhttp.NewHandler(schema, cfg)), e
}

func inRealGroup(selection string) string {
	return `{ scalingGroup(groupId: "` + realGroup + `") { ` + selection + ` } }`
}

const realQuery = `activities(first: 3) { totalCount nodes { type startTime } }`

const realResponse = `{"data":{"scalingGroup":{"activities":{"totalCount":250,"nodes":[` +
	`{"type":"NORMAL","startTime":"2026-11-20T12:00:00Z"},{"type":"NORMAL","startTime":"2026-11-20T11:59:00Z"},{"type":"NORMAL","startTime":"2026-11-20T11:58:00Z"}]}}}}`

func TestSingleResponses(t *testing.T) {
	target, _ := whole(t, gqlhttp.Config{})
	if got := post(t, target, inRealGroup(realQuery)); got.text != realResponse {
		t.Errorf("POST: %s", got.text)
	}
	got := send(t, http.MethodGet, target+"?query="+url.QueryEscape(inRealGroup(realQuery)), "", "Scalegraph-Explain", "1")
	cost, _ := got.body.Extensions["explain"].(map[string]any)
	if cost["upstreamCalls"] != 1.0 || cost["cost"] != 14.0 {
		t.Errorf("GET: %s", got.text)
	}
	got = post(t, target, inRealGroup(`region ... @defer { activities(first: 1) { totalCount ... @defer { nodes { logId } } } }`))
	if want := `{"data":{"scalingGroup":{"region":"default","activities":{"totalCount":250,"nodes":[{"logId":"` + emulator.ID(0) + `"}]}}}}`; got.text != want {
		t.Errorf("@defer: %s", got.text)
	}
}

// TestWholeNamesArguments has values that no argument takes, as literals and in variables.
func TestWholeNamesArguments(t *testing.T) {
	target, e := whole(t, gqlhttp.Config{})
	for value, argument := range map[string]string{
		`first: "5"`:                   "`first`",
		`first: 3000000000`:            "`first`",
		`last: -3000000000`:            "`last`",
		`first: 5.5`:                   "`first`",
		`filter: {types: [SOMETHING]}`: "`filter`",
		`filter: {logId: 1.5}`:         "`filter`",
		`after: 7`:                     "`after`",
		`first: 2, offset: 2147483648`: "`offset`",
	} {
		got := post(t, target, inRealGroup(`activities(`+value+`) { totalCount }`))
		if !strings.Contains(got.text, argument) || !strings.Contains(got.text, `"GRAPHQL_VALIDATION_FAILED"`) {
			t.Errorf("%s: %s", value, got.text)
		}
	}
	for value, fits := range map[string]bool{`"5"`: false, `3000000000`: false, `5.5`: false, `1.0`: true, `1e0`: true} {
		body := `{"query": "query($n: Int) { scalingGroup(groupId: \"` + realGroup + `\") { activities(first: $n) { totalCount } } }", "variables": {"n": ` + value + `}}`
		got := send(t, http.MethodPost, target, body, "Content-Type", "application/json")
		if fits != strings.Contains(got.text, `"totalCount":250`) || !fits && !strings.Contains(got.text, `$n`) {
			t.Errorf("$n = %s: %s", value, got.text)
		}
	}
	if n := e.Count(); n != 2 {
		t.Errorf("%d upstream calls, want those of the two good values", n)
	}
}

// TestWholeTimesOut has an upstream that hangs: what needs it is an error in time, and the rest is there.
func TestWholeTimesOut(t *testing.T) {
	target, e := whole(t, gqlhttp.Config{RequestTimeout: 100 * time.Millisecond})
	e.Fault(emulator.Always(emulator.Fault{Break: emulator.Hang}))
	got := post(t, target, inRealGroup("region "+realQuery))
	if got.StatusCode != http.StatusOK || got.code() != "REQUEST_TIMEOUT" || string(got.body.Data) != `{"scalingGroup":{"region":"default","activities":null}}` {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
	e.Fault(nil)
	if got = post(t, target, inRealGroup(realQuery)); got.text != realResponse {
		t.Errorf("afterwards: %s", got.text)
	}
}

func TestWholeStopsAtItsBudget(t *testing.T) {
	target, _ := whole(t, gqlhttp.Config{Limits: document.Limits{UpstreamCalls: 2}})
	var q strings.Builder
	for i, kind := range []string{"NORMAL", "DIFF", "MANUAL_ADD", "MANUAL_REMOVE"} {
		fmt.Fprintf(&q, `a%d: activities(filter: {types: [%s]}) { totalCount } `, i, kind)
	}
	got := post(t, target, inRealGroup(q.String()), "Scalegraph-Explain", "1")
	if got.code() != "QUERY_TOO_COMPLEX" || !strings.Contains(got.body.Errors[0].Message, "more than 2 upstream calls; at most 2") {
		t.Errorf("%s", got.text)
	}
	if cost, _ := got.body.Extensions["explain"].(map[string]any); cost["upstreamCalls"] != 2.0 {
		t.Errorf("%s", got.text)
	}
}

// Normal queries are served while all attacks are in progress at once, again and again.
func TestWholeServesBesideAttacks(t *testing.T) {
	target, _ := whole(t, gqlhttp.Config{Introspection: true})
	done := make(chan struct{})
	var under sync.WaitGroup
	for _, a := range attacks() {
		under.Go(func() {
			for {
				got := send(t, http.MethodPost, target, a.body, "Content-Type", "application/json")
				if got.StatusCode >= 500 || len(got.text) > maxReply {
					t.Errorf("%s: %d, %d bytes", a.name, got.StatusCode, len(got.text))
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range testkit.Cases(10) {
		if got := post(t, target, inRealGroup(realQuery)); got.text != realResponse {
			t.Errorf("beside attacks: %s", got.text)
		}
	}
	close(done)
	under.Wait()
}
