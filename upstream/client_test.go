package upstream

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalegraph/internal/request"
)

var testGroup = Group{Region: "here", Project: "p1", ID: "g1"}

// quick retries without noticeable waits and hardly ever opens the circuit.
func quick() retryPolicy {
	p := defaultRetryPolicy()
	p.backoff, p.window = time.Millisecond, 0
	return p
}

// serve starts an upstream and a client of it.
func serve(t *testing.T, h http.HandlerFunc, edit ...func(*Config)) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return dial(t, server.URL, edit...)
}

func dial(t *testing.T, base string, edit ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{Endpoints: map[string]string{"here": base}, Timeout: time.Minute, retry: quick()} // no machine is that slow
	for _, f := range edit {
		f(&cfg)
	}
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func list(t *testing.T, c *Client) (Listing, error) {
	t.Helper()
	return c.List(t.Context(), ListQuery{Group: testGroup, Limit: 20})
}

// says returns a handler that responds with one status and body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const emptyPage = `{"limit":20,"scaling_activity_log":[],"total_number":0,"start_number":0}`

func sample(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("emulator/sample-response.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNewRejectsInvalidConfigurations(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no region":   {},
		"no scheme":   {Endpoints: map[string]string{"a": "as.example.com"}},
		"ftp":         {Endpoints: map[string]string{"a": "ftp://as.example.com"}},
		"no host":     {Endpoints: map[string]string{"a": "http://:80"}},
		"credentials": {Endpoints: map[string]string{"a": "http://u:secret@as.example.com"}},
		"query":       {Endpoints: map[string]string{"a": "http://as.example.com?x=1"}},
		"no URL":      {Endpoints: map[string]string{"a": "http://u:secret@as.example.com:port"}},
		"spelling":    {Endpoints: map[string]string{"a": "http://as.example.com"}, TypeSpelling: "MANUEL"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := New(cfg)
			if c != nil || err == nil {
				t.Fatalf("got %v, %v; want an error", c, err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q tells the password", err)
			}
		})
	}
}

func TestNewReportsEveryInvalidRegion(t *testing.T) {
	_, err := New(Config{Endpoints: map[string]string{"a": "x", "good": "http://h", "b": "y"}})
	if err == nil || !strings.Contains(err.Error(), `"a"`) || !strings.Contains(err.Error(), `"b"`) || strings.Contains(err.Error(), "good") {
		t.Errorf("got %v", err)
	}
}

func TestListSendsEveryParameter(t *testing.T) {
	at := time.Date(2018, 11, 22, 15, 46, 20, 0, time.FixedZone("", 2*3600))
	for name, tc := range map[string]struct {
		query    ListQuery
		spelling string
		want     string // path and query as on the wire
	}{
		"defaults": {ListQuery{Group: testGroup, Limit: 20}, "",
			"/autoscaling-api/v2/p1/scaling_activity_log/g1?limit=20&start_number=0"},
		"window": {ListQuery{Group: testGroup, Offset: 40, Limit: 100}, "",
			"/autoscaling-api/v2/p1/scaling_activity_log/g1?limit=100&start_number=40"},
		"times are UTC": {ListQuery{Group: testGroup, Limit: 1, Filter: Filter{StartTime: at, EndTime: at.Add(time.Second)}}, "",
			"/autoscaling-api/v2/p1/scaling_activity_log/g1?end_time=2018-11-22T13%3A46%3A21Z&limit=1&start_number=0&start_time=2018-11-22T13%3A46%3A20Z"},
		"types as one list": {ListQuery{Group: testGroup, Limit: 1, Filter: Filter{Types: []Type{TypeManualAdd, TypeModifyELB}}}, "",
			"/autoscaling-api/v2/p1/scaling_activity_log/g1?limit=1&start_number=0&type=MANNUAL_ADD%2CMODIFY_ELB"},
		"one N": {ListQuery{Group: testGroup, Limit: 1, Filter: Filter{Types: []Type{TypeManualRemove, TypeManualDelete}}}, SpellingOneN,
			"/autoscaling-api/v2/p1/scaling_activity_log/g1?limit=1&start_number=0&type=MANUAL_REMOVE%2CMANUAL_DELETE"},
		"status": {ListQuery{Group: testGroup, Limit: 1, Filter: Filter{Status: StatusDoing}}, "",
			"/autoscaling-api/v2/p1/scaling_activity_log/g1?limit=1&start_number=0&status=DOING"},
		"log id": {ListQuery{Group: testGroup, Limit: 1, Filter: Filter{LogID: "a-B_9"}}, "",
			"/autoscaling-api/v2/p1/scaling_activity_log/g1?limit=1&log_id=a-B_9&start_number=0"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got = r.Method + " " + r.RequestURI
				says(200, emptyPage)(w, r)
			}, func(cfg *Config) { cfg.TypeSpelling = tc.spelling })
			if _, err := c.List(t.Context(), tc.query); err != nil {
				t.Fatal(err)
			}
			if got != "GET "+tc.want {
				t.Errorf("sent %s\nwant GET %s", got, tc.want)
			}
		})
	}
}

func TestListUsesPathOfBaseURL(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.EscapedPath()
		says(200, emptyPage)(w, r)
	}))
	defer server.Close()
	if _, err := list(t, dial(t, server.URL+"/a%2Fs/")); err != nil {
		t.Fatal(err)
	}
	if got != "/a%2Fs/autoscaling-api/v2/p1/scaling_activity_log/g1" {
		t.Errorf("asked for %s", got)
	}
}

func TestListRejectsInvalidQueries(t *testing.T) {
	for name, tc := range map[string]struct {
		query ListQuery
		want  error
	}{
		"empty group":         {ListQuery{Group: Group{"here", "p", ""}, Limit: 1}, ErrNotFound},
		"group is dots":       {ListQuery{Group: Group{"here", "p", ".."}, Limit: 1}, ErrNotFound},
		"project is dot":      {ListQuery{Group: Group{"here", ".", "g"}, Limit: 1}, ErrNotFound},
		"group is a path":     {ListQuery{Group: Group{"here", "p", "../../q/scaling_activity_log/g"}, Limit: 1}, ErrNotFound},
		"project is a path":   {ListQuery{Group: Group{"here", "../p?x=1#y", "g"}, Limit: 1}, ErrNotFound},
		"group is escaped":    {ListQuery{Group: Group{"here", "p", "%2e%2e"}, Limit: 1}, ErrNotFound},
		"group is not ASCII":  {ListQuery{Group: Group{"here", "p", "é"}, Limit: 1}, ErrNotFound},
		"group is too long":   {ListQuery{Group: Group{"here", "p", strings.Repeat("g", 65)}, Limit: 1}, ErrNotFound},
		"log id with a query": {ListQuery{Group: testGroup, Limit: 1, Filter: Filter{LogID: "a&limit=9"}}, ErrRejected},
		"limit 0":             {ListQuery{Group: testGroup}, nil},
		"limit 101":           {ListQuery{Group: testGroup, Limit: 101}, nil},
		"offset -1":           {ListQuery{Group: testGroup, Limit: 1, Offset: -1}, nil},
		"unknown region":      {ListQuery{Group: Group{"there", "p", "g"}, Limit: 1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			c := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
			_, err := c.List(t.Context(), tc.query)
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) || calls.Load() != 0 {
				t.Errorf("got %v after %d calls", err, calls.Load())
			}
		})
	}
}

func TestListSendsProjectToken(t *testing.T) {
	for name, tc := range map[string]struct {
		caller *request.Caller
		want   []string
	}{
		"no caller":      {nil, nil},
		"no token":       {&request.Caller{}, nil},
		"one for all":    {&request.Caller{Token: "a"}, []string{"a"}},
		"one of its own": {&request.Caller{Token: "a", Tokens: map[string]string{"p1": "b", "p2": "c"}}, []string{"b"}},
		"another's":      {&request.Caller{Token: "a", Tokens: map[string]string{"p2": "c"}}, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got = r.Header["X-Auth-Token"]
				says(200, emptyPage)(w, r)
			})
			ctx := t.Context()
			if tc.caller != nil {
				ctx = request.WithCaller(ctx, tc.caller)
			}
			if _, err := c.List(ctx, ListQuery{Group: testGroup, Limit: 1}); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("sent %q, want %q", got, tc.want)
			}
		})
	}
}

func TestListRejectsInvalidToken(t *testing.T) {
	c := serve(t, says(200, emptyPage))
	ctx := request.WithCaller(t.Context(), &request.Caller{Token: "a\nHost: b"})
	_, err := c.List(ctx, ListQuery{Group: testGroup, Limit: 1})
	if !errors.Is(err, ErrUnauthenticated) || strings.Contains(err.Error(), "Host") {
		t.Errorf("got %v", err)
	}
}

func TestListCountsCallsAndBytes(t *testing.T) {
	body := sample(t)
	var calls atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			says(503, "down")(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, body)
		_ = z.Close()
	})
	caller := &request.Caller{}
	before := time.Now()
	l, err := c.List(request.WithCaller(t.Context(), caller), ListQuery{Group: testGroup, Limit: 20})
	if err != nil {
		t.Fatal(err)
	}
	if l.At.Before(before) || l.At.After(time.Now()) {
		t.Errorf("sent at %v, asked at %v", l.At, before)
	}
	got := [3]int64{caller.Tally.Calls.Load(), caller.Tally.Rows.Load(), caller.Tally.Bytes.Load()}
	if want := [3]int64{2, 2, int64(len(body) + len("down"))}; got != want {
		t.Errorf("calls, rows, bytes: got %d, want %d", got, want)
	}
}

func TestListRequestsGzipAndReusesConnections(t *testing.T) {
	var mu sync.Mutex
	peers, encodings := map[string]bool{}, map[string]bool{}
	status := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		peers[r.RemoteAddr], encodings[r.Header.Get("Accept-Encoding")] = true, true
		status++
		if status%2 == 0 { // errors give their connection back as well
			says(400, `{"error":{"code":"AS.9005","message":"bad"}}`)(w, r)
			return
		}
		says(200, emptyPage)(w, r)
	})
	for range 20 {
		_, _ = list(t, c)
	}
	if len(peers) != 1 || len(encodings) != 1 || !encodings["gzip"] {
		t.Errorf("20 calls over %d connections, encodings %v", len(peers), encodings)
	}
}

func TestListDoesNotFollowRedirects(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		_, err := c.List(request.WithCaller(t.Context(), &request.Caller{Token: "a"}), ListQuery{Group: testGroup, Limit: 1})
		if se := statusError(t, err); se.Status != status || !errors.Is(err, ErrBadResponse) {
			t.Errorf("%d: got %v", status, err)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
}
