package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"scalegraph/internal/request"
)

var (
	testProject = Project{Region: "here", ID: "p1"}
	testPolicy  = PolicyRef{Region: "here", Project: "p1", ID: "pol1"}
)

// everyLookup makes each call but the activity log, with a valid body for it.
var everyLookup = map[string]struct {
	path string
	body string
	call func(context.Context, *Client) error
}{
	"list groups": {"/autoscaling-api/v1/p1/scaling_group", `{"total_number":0,"scaling_groups":[]}`,
		func(ctx context.Context, c *Client) error {
			_, err := c.ListGroups(ctx, testProject, Range{0, 100})
			return err
		}},
	"show group": {"/autoscaling-api/v1/p1/scaling_group/g1", `{"scaling_group":{"scaling_group_name":"web"}}`,
		func(ctx context.Context, c *Client) error {
			_, _, err := c.ShowGroup(ctx, testGroup)
			return err
		}},
	"list instances": {"/autoscaling-api/v1/p1/scaling_group_instance/g1/list", `{"total_number":0,"scaling_group_instances":[]}`,
		func(ctx context.Context, c *Client) error {
			_, err := c.ListInstances(ctx, testGroup, Range{0, 100})
			return err
		}},
	"list policies of a group": {"/autoscaling-api/v1/p1/scaling_policy/g1/list", `{"total_number":0,"scaling_policies":[]}`,
		func(ctx context.Context, c *Client) error {
			_, err := c.ListGroupPolicies(ctx, testGroup, Range{0, 100})
			return err
		}},
	"list policies of a resource": {"/autoscaling-api/v2/p1/scaling_policy/g1/list", `{"total_number":0,"scaling_policies":null}`,
		func(ctx context.Context, c *Client) error {
			_, err := c.ListResourcePolicies(ctx, testGroup, Range{0, 100})
			return err
		}},
	"list policies of a project": {"/autoscaling-api/v2/p1/scaling_policy", `{"total_number":0}`,
		func(ctx context.Context, c *Client) error {
			_, err := c.ListProjectPolicies(ctx, testProject, Range{0, 100})
			return err
		}},
	"show policy": {"/autoscaling-api/v1/p1/scaling_policy/pol1", `{"scaling_policy":{}}`,
		func(ctx context.Context, c *Client) error {
			_, _, err := c.ShowPolicy(ctx, testPolicy)
			return err
		}},
	"show policy, V2": {"/autoscaling-api/v2/p1/scaling_policy/pol1", `{"scaling_policy":{}}`,
		func(ctx context.Context, c *Client) error {
			_, _, err := c.ShowPolicyV2(ctx, testPolicy)
			return err
		}},
	"list executions": {"/autoscaling-api/v1/p1/scaling_policy_execute_log/pol1", `{"total_number":0,"scaling_policy_execute_log":[]}`,
		func(ctx context.Context, c *Client) error {
			_, err := c.ListExecutions(ctx, testPolicy, ExecutionFilter{}, Range{0, 100})
			return err
		}},
}

func TestLookupRequests(t *testing.T) {
	for name, tc := range everyLookup {
		t.Run(name, func(t *testing.T) {
			var got http.Request
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got = *r
				fmt.Fprint(w, tc.body)
			})
			caller := &request.Caller{Token: "secret"}
			if err := tc.call(request.WithCaller(t.Context(), caller), c); err != nil {
				t.Fatal(err)
			}
			if got.URL.Path != tc.path || got.Method != http.MethodGet || got.Header.Get("X-Auth-Token") != "secret" || caller.Tally.Calls.Load() != 1 {
				t.Errorf("%s %s, token %q, %d calls", got.Method, got.URL, got.Header.Get("X-Auth-Token"), caller.Tally.Calls.Load())
			}
			if listed := strings.HasPrefix(name, "list"); listed && got.URL.RawQuery != "limit=100&start_number=0" || !listed && got.URL.RawQuery != "" {
				t.Errorf("query %q", got.URL.RawQuery)
			}
		})
	}
}

func TestLookupErrors(t *testing.T) {
	asBody := func(code string) string { return `{"error":{"code":"` + code + `","message":"m"}}` }
	for _, e := range []struct {
		status int
		body   string
		want   error
	}{
		{400, asBody("AS.2007"), ErrNotFound},
		{400, asBody("AS.4005"), ErrNotFound},
		{400, asBody("AS.3020"), ErrNotFound},
		{400, asBody("AS.3042"), ErrNotFound},
		{404, asBody("AS.3020"), ErrNotFound},
		{400, asBody("AS.0008"), ErrForbidden},
		{400, asBody("AS.0031"), ErrForbidden},
		{403, asBody("AS.0011"), ErrForbidden},
		{401, asBody("AS.0005"), ErrUnauthenticated},
		{401, `{"error_msg":"x","error_code":"APIG.0307","request_id":"r"}`, ErrUnauthenticated},
		{429, `{"error_msg":"x","error_code":"APIG.0308","request_id":"r"}`, ErrRateLimited},
		{400, asBody("AS.4000"), ErrRejected},
		{400, asBody("AS.3037"), ErrRejected},
		{400, asBody("AS.9010"), ErrRejected},
		{400, asBody("AS.8004"), ErrRejected},
		{504, html, ErrTimeout},
		{503, html, ErrUnavailable},
		{200, `<html>`, ErrBadResponse},
		{200, `{"total_number":`, ErrBadResponse},
		{200, `[]`, ErrBadResponse},
		{302, ``, ErrBadResponse},
	} {
		for name, tc := range everyLookup {
			t.Run(fmt.Sprintf("%d %.40s %s", e.status, e.body, name), func(t *testing.T) {
				err := tc.call(t.Context(), serve(t, says(e.status, e.body)))
				if !errors.Is(err, e.want) {
					t.Errorf("got %v, want %v", err, e.want)
				}
				_ = statusError(t, err)
			})
		}
	}
}

func TestListEnvelope(t *testing.T) {
	entries := strings.TrimSuffix(strings.Repeat(`{"scaling_group_id":"g"},`, 3), ",")
	for name, tc := range map[string]struct {
		body  string
		want  error
		total int
		n     int
	}{
		"as documented":        {`{"limit":2,"scaling_groups":[{"scaling_group_id":"a"}],"total_number":7,"start_number":4}`, nil, 7, 1},
		"total as text":        {`{"total_number":"7","scaling_groups":[]}`, nil, 7, 0},
		"past the end":         {`{"total_number":3,"scaling_groups":[]}`, nil, 3, 0},
		"list missing":         {`{"total_number":3}`, nil, 3, 0},
		"total less than rows": {`{"total_number":0,"scaling_groups":[{"scaling_group_id":"a"}]}`, nil, 5, 1},
		"entries left out":     {`{"total_number":6,"scaling_groups":[null,{}]}`, nil, 6, 2},
		"no total":             {`{"scaling_groups":[]}`, ErrBadResponse, 0, 0},
		"negative total":       {`{"total_number":-1,"scaling_groups":[]}`, ErrBadResponse, 0, 0},
		"fractional total":     {`{"total_number":1.5,"scaling_groups":[]}`, ErrBadResponse, 0, 0},
		"no list":              {`{"total_number":1,"scaling_groups":{}}`, ErrBadResponse, 0, 0},
		"list as number":       {`{"total_number":1,"scaling_groups":7}`, ErrBadResponse, 0, 0},
		"too many":             {`{"total_number":9,"scaling_groups":[` + entries + `]}`, ErrBadResponse, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			before := time.Now()
			got, err := serve(t, says(200, tc.body)).ListGroups(t.Context(), testProject, Range{4, 2})
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if err == nil && (got.Total != tc.total || len(got.Entries) != tc.n || got.Offset != 4 || got.At.Before(before)) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestListRejectsRangesBeforeCalling(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") })
	for _, r := range []Range{{0, 0}, {-1, 10}, {0, MaxLimit + 1}, {0, -1}} {
		if _, err := c.ListGroups(t.Context(), testProject, r); err == nil {
			t.Errorf("%v was accepted", r)
		}
	}
	for _, id := range []string{"", ".", ".."} {
		if _, _, err := c.ShowGroup(t.Context(), Group{Region: "here", Project: "p1", ID: id}); !errors.Is(err, ErrNotFound) {
			t.Errorf("id %q: %v", id, err)
		}
	}
	if _, err := c.ListGroups(t.Context(), Project{Region: "elsewhere", ID: "p1"}, Range{0, 1}); err == nil {
		t.Error("an unknown region was accepted")
	}
}

func TestLookupRejectsInvalidIDs(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for _, g := range []Group{{"here", "p/1", "g"}, {"here", "p", "a?b%2F"}, {"here", "p", ".."}} {
		if _, _, err := c.ShowGroup(t.Context(), g); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v: %v", g, err)
		}
	}
	q := ListQuery{Group: testGroup, Limit: 1, Filter: Filter{LogID: "../" + testGroup.ID}}
	if _, err := c.List(t.Context(), q); !errors.Is(err, ErrRejected) {
		t.Errorf("a log id: %v", err)
	}
}

func TestSkippedEntriesAreCounted(t *testing.T) {
	c := serve(t, says(200, `{"total_number":4,"scaling_policy_execute_log":[{"id":"a"},{"execute_time":"2026-01-02T03:04:05Z"},7,
		{"id":" a ","execute_time":"2026-01-02T03:04:05Z"}]}`))
	got, err := c.ListExecutions(t.Context(), testPolicy, ExecutionFilter{}, Range{0, 100})
	if err != nil || len(got.Entries) != 4 || got.Entries[3] == nil || got.Entries[3].LogID != "a" || c.RowsSkipped() != 3 {
		t.Errorf("%+v, %v, %d skipped", got, err, c.RowsSkipped())
	}
}

// one returns the only entry of a list.
func one[T any](t *testing.T, items Items[T], err error) *T {
	t.Helper()
	if err != nil || len(items.Entries) != 1 || items.Entries[0] == nil {
		t.Fatalf("%+v, %v", items, err)
	}
	return items.Entries[0]
}

// wantEqual fails the test unless the values are equal; pointers are followed.
func wantEqual[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

// roundTrip checks that a value survives JSON, as caches encode it.
func roundTrip[T any](t *testing.T, v T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back T
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, back, v)
}
