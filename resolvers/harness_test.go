package resolvers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"go.uber.org/goleak"

	"scalegraph/cache/inventory"
	"scalegraph/graph"
	"scalegraph/internal/executionlog"
	"scalegraph/internal/paging"
	"scalegraph/internal/request"
	"scalegraph/internal/testkit"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The contents of a test's world. The token is long and odd, so that a test can find it where it must not be.
const (
	project      = "ce061903a53545dcaddb300093b477d2"
	otherProject = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	token        = "MIIF-secret-token-of-the-test"

	sampleGroup = "e5d27f5c-dd76-4a61-b4bc-a67c5686719a" // the two rows of the documented sample
	busyGroup   = "b0000000-0000-4000-8000-000000000001" // 250 rows of all types and statuses, one a minute
	smallGroup  = "b0000000-0000-4000-8000-000000000002" // 12 rows of all types and statuses, one a minute
	emptyGroup  = "b0000000-0000-4000-8000-000000000003"
	alienGroup  = "b0000000-0000-4000-8000-000000000004" // of another project, 3 rows
	noGroup     = "b0000000-0000-4000-8000-00000000dead"
)

// Groups and a log id for tests without an upstream.
var (
	groupA  = upstream.Group{Region: "default", Project: project, ID: sampleGroup}
	groupB  = upstream.Group{Region: "default", Project: project, ID: "e5d27f5c-dd76-4a61-b4bc-a67c5686719b"}
	uuidLog = "a8924393-1024-4c24-8ac6-e4d481360884"
)

// newestStart is when the newest row of every made log started.
var newestStart = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// world is an upstream and a GraphQL server over it, both on loopback sockets.
type world struct {
	t        testing.TB
	emulator *emulator.Emulator
	upstream string // base URL
	url      string
	logs     *testkit.Buffer
	headers  http.Header // sent with every query
}

// newWorld starts a world. Options may change what the resolvers work with.
func newWorld(t testing.TB, options ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, emulator: emulator.New(emulator.Switches{}), logs: new(testkit.Buffer), headers: http.Header{"X-Auth-Token": {token}}}
	populate(t, w.emulator)
	w.upstream = emulatortest.Serve(t, w.emulator)
	w.url = w.serve(w.pages(nil), append([]func(*Config){w.withInventory}, options...)...)
	return w
}

// pages reads from the world's upstream, in the regions default and south.
func (w *world) pages(change func(*upstream.Config)) *paging.Pager {
	c := upstream.Config{Endpoints: map[string]string{"default": w.upstream, "south": w.upstream}, Timeout: 5 * time.Second}
	if change != nil {
		change(&c)
	}
	client, err := upstream.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return paging.New(client)
}

// withInventory serves groups and instances through a cache, as the program does.
func (w *world) withInventory(c *Config) { w.setInventory(c, time.Minute) }

func (w *world) setInventory(c *Config, fresh time.Duration) {
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"default": w.upstream, "south": w.upstream}})
	if err != nil {
		w.t.Fatal(err)
	}
	cached := inventory.New(client, inventory.Config{Fresh: fresh, StaleIfError: time.Hour, Memory: 8 << 20})
	w.t.Cleanup(func() { cached.Close(); client.Close() })
	c.Inventory, c.Executions = cached, executionlog.New(cached)
}

func (w *world) serve(pages *paging.Pager, options ...func(*Config)) string {
	log := slog.New(slog.NewTextHandler(w.logs, nil))
	c := Config{Pages: pages, Counts: pages, Feeds: pages, Region: "default", Regions: []string{"default", "south"}, DefaultProject: project}
	for _, change := range options {
		change(&c)
	}
	gql := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: New(c), Complexity: Complexity()}))
	gql.AddTransport(transport.MultipartMixed{})
	gql.AddTransport(transport.POST{})
	gql.SetErrorPresenter(ErrorPresenter(log))
	gql.SetRecoverFunc(Recover(log))
	gql.Use(Extension{})
	gql.Use(extension.FixedComplexityLimit(20000))
	server := httptest.NewServer(withToken(gql))
	w.t.Cleanup(server.Close)
	return server.URL
}

// withToken hands the caller's token on, as the protocol edge does.
func withToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		caller := &request.Caller{Token: r.Header.Get("X-Auth-Token")}
		next.ServeHTTP(rw, r.WithContext(request.WithCaller(r.Context(), caller)))
	})
}

// response is a response and the upstream calls that it took.
type response struct {
	raw    []byte
	Data   json.RawMessage
	Errors []gqlError
	calls  []emulator.Request
}

type gqlError struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path,omitempty"`
	Extensions map[string]any `json:"extensions"`
}

func (e gqlError) code() string { return fmt.Sprint(e.Extensions["code"]) }

func (e gqlError) path() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(e.Path), " ", "."), "[]")
}

// ask sends a query and waits for the response.
func (w *world) ask(query string, variables map[string]any) response {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.send(body)
}

func (w *world) send(body []byte) response {
	w.t.Helper()
	w.emulator.Reset()
	a := response{raw: w.post(body)}
	if err := json.Unmarshal(a.raw, &a); err != nil {
		w.t.Fatalf("%v in %s", err, a.raw)
	}
	a.calls = w.emulator.Requests()
	return a
}

func (w *world) post(body []byte) []byte {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header = maps.Clone(w.headers)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// one returns the only error of a response.
func (a response) one(t testing.TB) gqlError {
	t.Helper()
	if len(a.Errors) != 1 {
		t.Fatalf("want one error: %s", a.raw)
	}
	return a.Errors[0]
}

// must reads data that came without errors.
func must[T any](t testing.TB, a response) T {
	t.Helper()
	var v T
	if len(a.Errors) > 0 {
		t.Fatalf("errors in %s", a.raw)
	}
	if err := json.Unmarshal(a.Data, &v); err != nil {
		t.Fatalf("%v in %s", err, a.raw)
	}
	return v
}

// populate fills the emulator with the groups named above.
func populate(t testing.TB, e *emulator.Emulator) {
	t.Helper()
	e.AddToken(token, project)
	e.AddGroup(project, emptyGroup)
	e.Insert(project, sampleGroup, documentedRows(t)...)
	e.Insert(project, busyGroup, sampleRows(250, 1000)...)
	e.Insert(project, smallGroup, sampleRows(12, 2000)...)
	for i := range 10 {
		e.Insert(project, parallelGroup(i), sampleRows(5, 4000)...)
	}
	e.Insert(otherProject, alienGroup, sampleRows(3, 3000)...)
}

// sampleRows returns rows of all types and statuses, one a minute, numbered from the newest up.
func sampleRows(n, from int) []emulator.Row {
	rows := make([]emulator.Row, n)
	for i := range rows {
		rows[i] = sampleRow(i, from)
	}
	return rows
}

func sampleRow(i, from int) emulator.Row {
	row := emulator.Row{
		ID: emulator.ID(from + i), Type: emulator.Types()[i%10], Status: emulator.Statuses()[i%3],
		Start: newestStart.Add(-time.Duration(i) * time.Minute), InstanceValue: i % 4, DesireValue: i%4 + 1, ScalingValue: 1,
		Description: `{"reason":[{"change_reason":"ALARM","old_value":1,"new_value":2,"change_time":"2026-11-20T11:59:50Z"}]}`,
	}
	if row.Status != emulator.Doing {
		row.End = row.Start.Add(30 * time.Second)
	}
	name := fmt.Sprintf("as-config-%d", i)
	switch row.Type {
	case emulator.ModifyELB:
		row.Bound = []emulator.LoadBalancer{{Enhanced: &emulator.Listener{Weight: 1, PoolID: "pool", Port: 80}}}
		row.UnbindFailed = []emulator.LoadBalancer{{Classic: "classic", FailedReason: "gone", FailedDetails: "listener gone"}}
	case emulator.EnterStandby, emulator.ExitStandby:
		row.Standby = []emulator.Instance{{ID: "i-1", Name: name}}
	default:
		row.Added = []emulator.Instance{{ID: "i-1", Name: name}, {ID: "i-2", Name: name}}
		row.Failed = []emulator.Instance{{Name: name, FailedReason: "AS.7003", FailedDetails: "quota"}}
	}
	return row
}

// documentedRows returns the rows of the documented sample.
func documentedRows(t testing.TB) []emulator.Row {
	t.Helper()
	text, err := os.ReadFile("../upstream/emulator/sample-response.json")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Log []map[string]json.RawMessage `json:"scaling_activity_log"`
	}
	if err := json.Unmarshal(text, &sample); err != nil {
		t.Fatal(err)
	}
	rows := make([]emulator.Row, len(sample.Log))
	for i, members := range sample.Log {
		var key struct {
			ID, Status, Type   string
			StartTime, EndTime time.Time
		}
		text, _ := json.Marshal(map[string]json.RawMessage{
			"ID": members["id"], "Status": members["status"], "Type": members["type"],
			"StartTime": members["start_time"], "EndTime": members["end_time"],
		})
		if err := json.Unmarshal(text, &key); err != nil {
			t.Fatal(err)
		}
		rows[i] = emulator.Row{ID: key.ID, Status: key.Status, Type: key.Type, Start: key.StartTime, End: key.EndTime, Extra: members}
	}
	return rows
}
