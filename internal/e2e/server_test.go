// Package e2e tests the composed program and its binary from outside.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalegraph/graph"
	"scalegraph/internal/app"
	"scalegraph/internal/testkit"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if binaries != "" {
			_ = os.RemoveAll(binaries)
		}
		os.Exit(code)
	}))
}

// root is the folder of the repository.
const root = "../.."

// repoFile returns the path of a file by its path in the repository.
func repoFile(name string) string { return filepath.Join(root, name) }

// server is a running program: start in this process, spoken to by HTTP only.
type server struct {
	base string          // http://host:port
	out  *testkit.Buffer // what it printed
	logs *testkit.Buffer
	stop func() int // as SIGTERM; returns the exit status
}

// patient is a timeout for Redis that suits a busy machine.
const patient = "-redis-timeout=5s"

// startServer starts the program on a free port with these further arguments and stops it when the test ends.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &server{out: new(testkit.Buffer), logs: new(testkit.Buffer)}
	status := make(chan int, 1)
	go func() {
		status <- app.Main(ctx, append([]string{"-listen", "127.0.0.1:0", "-drain-delay", "0"}, args...), nil, s.out, s.logs)
	}()
	s.stop = sync.OnceValue(func() int {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		return <-status
	})
	t.Cleanup(func() {
		if got := s.stop(); got != app.ExitOK {
			t.Errorf("exit status %d\n%s", got, s.logs)
		}
	})
	s.base = waitForAddress(t, s.out)
	return s
}

var listens = regexp.MustCompile(`listens on (http://\S+)`)

// waitForAddress returns the address that a starting program prints.
func waitForAddress(t *testing.T, out fmt.Stringer) string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found := listens.FindStringSubmatch(out.String()); found != nil {
			return found[1]
		}
	}
	t.Fatalf("it does not say where it listens: %q", out)
	return ""
}

// reply is a response with its body read.
type reply struct {
	*http.Response
	body string
}

func (s *server) do(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp, string(text)}
}

func TestPages(t *testing.T) {
	s := startServer(t)
	cases := []struct {
		method, path string
		status       int
		body         string // empty: any
	}{
		{"GET", "/healthz", 200, `{"alive":true}` + "\n"},
		{"HEAD", "/healthz", 200, ""},
		{"POST", "/healthz", 405, ""},
		{"GET", "/readyz", 200, `{"ready":true,"upstream":"unknown","redis":"off","demo":true}` + "\n"},
		{"GET", "/schema.graphql", 200, graph.SDL},
		{"GET", "/nothing", 404, ""},
		{"GET", "/graphql/nothing", 404, ""},
		{"GET", "/../etc/passwd", 404, ""},
	}
	for _, c := range cases {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			got := s.do(t, c.method, c.path, "")
			if got.StatusCode != c.status || c.body != "" && got.body != c.body {
				t.Errorf("got %d %q, want %d %q", got.StatusCode, got.body, c.status, c.body)
			}
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
				"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			} {
				if got := got.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	s := startServer(t)
	for _, path := range []string{"/healthz", "/nothing", "/graphql?query={__typename}"} {
		if got := s.do(t, "GET", path, "", "X-Request-Id", "my-own.1").Header.Values("X-Request-Id"); len(got) != 1 || got[0] != "my-own.1" {
			t.Errorf("%s: the caller's id became %q", path, got)
		}
		for _, bad := range []string{"", "a b", "a\"b", strings.Repeat("a", 129), "<script>"} {
			got := s.do(t, "GET", path, "", "X-Request-Id", bad).Header.Values("X-Request-Id")
			if len(got) != 1 || got[0] == bad || len(got[0]) < 20 {
				t.Errorf("%s: %q became %q", path, bad, got)
			}
		}
	}
}

func TestOneLogLineForEachRequestAndNoSecretInAny(t *testing.T) {
	s := startServer(t, "-log", "json")
	const secret = "hunter2-hunter2"
	credentials := []string{
		"X-Auth-Token", secret, "Scalegraph-Token", "p=" + secret, "Authorization", "Bearer " + secret, "Cookie", "a=" + secret, "X-Request-Id", "log-test",
	}
	body := `{"query":"query($g: ID!) { scalingGroup(groupId: $g) { activities { totalCount } } }","variables":{"g":"` + secret + `"}}`
	s.do(t, "POST", "/graphql", body, append(credentials, "Content-Type", "application/json")...)
	s.do(t, "POST", "/graphql", "{"+secret, append(credentials, "Content-Type", "application/json")...)
	s.do(t, "GET", "/graphql?query={"+secret+"}", "", credentials...)
	answeredRequest := s.do(t, "GET", "/readyz?token="+secret, "", credentials...)
	s.stop()

	if strings.Contains(s.logs.String(), secret) || strings.Contains(s.out.String(), secret) {
		t.Errorf("a secret was logged:\n%s", s.logs)
	}
	var lines []map[string]any
	for line := range strings.Lines(s.logs.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if fields["msg"] == "request" {
			lines = append(lines, fields)
		}
	}
	if len(lines) != 4 {
		t.Fatalf("%d lines for 4 requests:\n%s", len(lines), s.logs)
	}
	last := lines[3]
	if last["requestId"] != "log-test" || last["method"] != "GET" || last["path"] != "/readyz" || last["status"] != 200.0 ||
		last["bytes"] != float64(len(answeredRequest.body)) || last["duration"] == nil {
		t.Errorf("got %v", last)
	}
}

func TestFailedStarts(t *testing.T) {
	s := startServer(t)
	var logs bytes.Buffer
	taken := strings.TrimPrefix(s.base, "http://")
	if got := app.Main(t.Context(), []string{"-listen", taken}, nil, io.Discard, &logs); got != app.ExitFailed {
		t.Errorf("exit status %d on a port that is taken, want %d\n%s", got, app.ExitFailed, &logs)
	}
	logs.Reset()
	if got := app.Main(t.Context(), []string{"-listen", "x", "-fresh", "y"}, nil, io.Discard, &logs); got != app.ExitConfig || strings.Count(logs.String(), "\n") != 2 {
		t.Errorf("exit status %d for a wrong configuration, want %d with two lines\n%s", got, app.ExitConfig, &logs)
	}
}
