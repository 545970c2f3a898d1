package demo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/demo"
)

// response is the response to a call for an activity log.
type response struct {
	status int
	raw    []byte
	Rows   []map[string]any `json:"scaling_activity_log"`
	Total  int              `json:"total_number"`
	Error  struct {
		Code string `json:"code"`
	} `json:"error"`
}

func (r response) ids() []string {
	ids := []string{}
	for _, row := range r.Rows {
		ids = append(ids, row["id"].(string))
	}
	return ids
}

// get requests a part of an activity log through a transport.
func get(t *testing.T, transport http.RoundTripper, baseURL, project, group, query, token string) (response, error) {
	t.Helper()
	target := baseURL + "/autoscaling-api/v2/" + project + "/scaling_activity_log/" + group + "?" + query
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", token)
	res, err := transport.RoundTrip(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	r := response{status: res.StatusCode}
	if r.raw, err = io.ReadAll(res.Body); err != nil {
		return response{}, err
	}
	return r, json.Unmarshal(r.raw, &r)
}

// list requests a part of an activity log of a demo without a socket.
func list(t *testing.T, d *demo.Demo, group, query string) response {
	t.Helper()
	r, err := get(t, d.Transport(), "http://demo", demo.Project, group, query, demo.Token)
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("%d %s: %v", r.status, r.raw, err)
	}
	return r
}

func TestDemoSample(t *testing.T) {
	want, err := os.ReadFile("../sample-response.json")
	if err != nil {
		t.Fatal(err)
	}
	d := demo.New(demo.Options{})
	for _, query := range []string{"", "start_time=2018-11-22T00:00:00Z&end_time=2018-11-22T14:00:00Z"} {
		if a := list(t, d, demo.SampleGroup, query); string(a.raw) != string(want) {
			t.Errorf("?%s answers\n%s", query, a.raw)
		}
	}
	if a := list(t, d, demo.SampleGroup, "type=NORMAL&limit=1"); a.Total != 1 || a.Rows[0]["id"] != "44152cf2-a005-4507-b6e9-66a2a64eff52" {
		t.Errorf("filtered sample: %s", a.raw)
	}
}

func TestDemoHistory(t *testing.T) {
	d := fixedDemo(t)
	types, statuses, partly, long := map[string]bool{}, map[string]bool{}, 0, 0
	for _, group := range d.Groups()[1 : len(d.Groups())-1] {
		total := list(t, d, group, "limit=1").Total
		if total < 1500 || total > 8000 {
			t.Errorf("group %s has %d rows", group, total)
		}
		ids := map[string]bool{}
		for _, r := range d.Emulator().Rows(demo.Project, group) {
			types[r.Type], statuses[r.Status], ids[r.ID] = true, true, true
			checkRow(t, r, fixedNow)
			if r.Status == emulator.Success && len(r.Failed) > 0 {
				partly++
			}
			for _, in := range r.Failed {
				if n := len(in.FailedDetails); n >= 2000 && n <= 4096 {
					long++
				} else {
					t.Fatalf("details of %d bytes", n)
				}
			}
		}
		if len(ids) != total {
			t.Errorf("group %s: %d ids for %d rows", group, len(ids), total)
		}
	}
	if len(types) != 10 || len(statuses) != 3 || partly == 0 || long == 0 {
		t.Errorf("%d types, %d statuses, %d partly failed, %d long details", len(types), len(statuses), partly, long)
	}
	if a := list(t, d, demo.EmptyGroup, ""); a.Total != 0 {
		t.Errorf("the empty group has %d rows", a.Total)
	}
}

// checkRow checks that a row of the demo has the properties of real ones.
func checkRow(t *testing.T, r emulator.Row, now time.Time) {
	t.Helper()
	diff := max(r.DesireValue-r.InstanceValue, r.InstanceValue-r.DesireValue)
	switch {
	case r.Start.After(now), r.End.After(now), r.Status != emulator.Doing && r.End.Before(r.Start):
		t.Fatalf("times of %+v at %v", r, now)
	case r.Type != emulator.ModifyELB && (diff != r.ScalingValue || r.InstanceValue < 0 || r.DesireValue < 0):
		t.Fatalf("numbers of %+v", r)
	case r.Type != emulator.ModifyELB && !json.Valid([]byte(r.Description)), r.Type == emulator.ModifyELB && r.Description != "":
		t.Fatalf("description of %+v", r)
	case r.Status == emulator.Fail && len(r.Failed)+len(r.BindFailed) == 0:
		t.Fatalf("a failure without a reason: %+v", r)
	case r.Status == emulator.Doing && len(r.Added)+len(r.Failed)+len(r.Bound) > 0:
		t.Fatalf("an outcome before the end: %+v", r)
	}
}

func TestDemoIsDeterministic(t *testing.T) {
	rowsOf := func(seed uint64) []emulator.Row {
		d := demo.New(demo.Options{Seed: seed, Clock: func() time.Time { return fixedNow }})
		group := d.Groups()[3]
		list(t, d, group, "")
		return d.Emulator().Rows(demo.Project, group)
	}
	first := rowsOf(7)
	if !reflect.DeepEqual(first, rowsOf(7)) || reflect.DeepEqual(first, rowsOf(8)) {
		t.Error("a history does not follow from its seed alone")
	}
}

func TestDemoUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d := demo.New(demo.Options{})
		go d.Live(ctx)
		busy := d.Groups()[1]
		before := list(t, d, busy, "limit=100")
		time.Sleep(10 * time.Second)
		after := list(t, d, busy, "limit=100")
		if before.ids()[0] == after.ids()[0] {
			t.Error("nothing began within 10 seconds")
		}
		running := list(t, d, busy, "status=DOING")
		if running.Total == 0 {
			t.Fatal("nothing runs in the busy group")
		}
		time.Sleep(30 * time.Second)
		for _, id := range running.ids() {
			if row := list(t, d, busy, "log_id="+id).Rows[0]; row["status"] == emulator.Doing || row["end_time"] == nil {
				t.Errorf("did not finish: %v", row)
			}
		}
		oldest := list(t, d, busy, fmt.Sprintf("start_number=%d", before.Total-1)).ids()
		time.Sleep(time.Minute)
		total := list(t, d, busy, "limit=1").Total
		last := list(t, d, busy, fmt.Sprintf("start_number=%d", total-1)).ids()
		if slices.Equal(oldest, last) {
			t.Error("nothing expired within a minute")
		}
	})
}

func TestDemoOverSocket(t *testing.T) {
	d := demo.New(demo.Options{})
	url, err := d.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	group := d.Groups()[2]
	if r, err := get(t, transport, url, demo.Project, group, "", demo.Token); err != nil || r.status != 200 || len(r.Rows) != 20 {
		t.Errorf("%d, %d rows, %v", r.status, len(r.Rows), err)
	}
	if r, err := get(t, transport, url, demo.Project, group, "", "another"); err != nil || r.status != 401 {
		t.Errorf("a token that is not the demo's: %d, %v", r.status, err)
	}
	if r, err := get(t, transport, url, "other", group, "", demo.Token); err != nil || r.Error.Code != "AS.0008" {
		t.Errorf("another project: %d %s, %v", r.status, r.raw, err)
	}
	transport.CloseIdleConnections()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := get(t, transport, url, demo.Project, group, "", demo.Token); err == nil {
		t.Error("a closed demo answers")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestDemoStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := demo.New(demo.Options{})
	if _, err := d.Start(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := d.Close(); err != nil { // waits; goleak finds remaining goroutines
		t.Error(err)
	}
}

func BenchmarkDemoStart(b *testing.B) {
	for b.Loop() {
		demo.New(demo.Options{})
	}
}

func BenchmarkDemoFirstRequests(b *testing.B) {
	for b.Loop() {
		d := demo.New(demo.Options{})
		for _, g := range d.Groups() {
			req, _ := http.NewRequest(http.MethodGet, "http://demo/autoscaling-api/v2/"+demo.Project+"/scaling_activity_log/"+g, nil)
			req.Header.Set("X-Auth-Token", demo.Token)
			if _, err := d.Transport().RoundTrip(req); err != nil {
				b.Fatal(err)
			}
		}
	}
}
