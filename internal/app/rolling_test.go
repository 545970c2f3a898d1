package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// freeAddress returns a loopback address that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// balanced starts nginx in front of servers, with its ordinary passive checks, and returns its base URL.
func balanced(t *testing.T, addresses ...string) string {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	dir, front := t.TempDir(), freeAddress(t)
	config := "daemon off; pid " + dir + "/pid; error_log " + dir + "/errors; worker_processes 1; events { worker_connections 4096; }\nhttp { access_log off;"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += " " + kind + "_temp_path " + dir + "/" + kind + ";"
	}
	config += "\nupstream replicas { server " + strings.Join(addresses, " max_fails=1 fail_timeout=1s; server ") + " max_fails=1 fail_timeout=1s; }\n" +
		"map $http_upgrade $to_connection { default upgrade; '' close; }\n" + // WebSockets need a word of their own
		"server { listen " + front + "; location / { proxy_pass http://replicas; proxy_http_version 1.1; " +
		"proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $to_connection; } } }\n"
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-p", dir, "-e", dir+"/errors", "-c", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(dir + "/errors")
			t.Logf("%.2000s", text)
		}
	})
	waitUntil(t, "nginx answers", func() bool {
		resp, err := http.Get("http://" + front + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return "http://" + front
}

func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// load asks over many connections until it is told to stop.
type load struct {
	done   atomic.Int64
	stop   chan struct{}
	under  sync.WaitGroup
	mu     sync.Mutex
	failed []string
}

func (l *load) ask(client *http.Client, base string, n int) {
	method, url, body := http.MethodGet, base+countQuery, ""
	if n%2 == 1 {
		method, url, body = http.MethodPost, base+"/graphql", `{"query":"{scalingGroup(groupId:\"`+testGroup+`\"){activities{totalCount}}}"}`
	}
	req, _ := http.NewRequest(method, url, strings.NewReader(body))
	req.Header.Set("X-Auth-Token", testToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	what := fmt.Sprint(method, " ", err)
	if err == nil {
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		what = fmt.Sprint(method, " ", resp.StatusCode, " ", string(text))
		if string(text) == counted {
			l.done.Add(1)
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, what)
}

func (l *load) start(base string, connections int) {
	for range connections {
		l.under.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					return
				default:
					l.ask(client, base, n)
				}
			}
		})
	}
}

// busyGroup is where things happen while replicas restart.
const busyGroup = "22222222-3333-4444-5555-666666666666"

// A follower subscribes through the load balancer again whenever its stream ends, from where it was.
type follower struct {
	name    string
	group   string
	patient bool // errors are no failure: it tries again
	open    func(query string) (listener, error)

	mu     sync.Mutex
	heard  []string // kinds and ids of changes
	begun  int      // streams
	failed []string // what a client of ours could not cope with
}

func (f *follower) note(to *[]string, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*to = append(*to, text)
}

// over reports whether the end of an activity was heard, or the follower has given up.
func (f *follower) over(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.heard, "FINISHED "+id) || len(f.failed) > 0
}

// follow goes on until ctx ends.
func (f *follower) follow(ctx context.Context) {
	since := ""
	for ctx.Err() == nil {
		l, err := f.open(changesOf(since, f.group))
		if err != nil {
			f.note(&f.failed, err.Error())
			return
		}
		f.mu.Lock()
		f.begun++
		f.mu.Unlock()
		stop := context.AfterFunc(ctx, l.leave)
		refused := false
		for h, ok := l.next(); ok; h, ok = l.next() {
			if refused = f.patient && len(h.Errors) > 0; refused {
				continue
			}
			since = fmt.Sprintf("since: %q", h.Data.Change.Cursor)
			f.note(&f.heard, h.String())
		}
		if stop(); ctx.Err() == nil && !l.told() && !refused {
			f.note(&f.failed, "a stream ended without a word")
		}
		l.leave()
		if refused {
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// check compares what was heard with the activities that there were: the end of each once, and before it, once at most, its start.
func (f *follower) check(t *testing.T, ids []string) {
	t.Helper()
	at := map[string]int{}
	for i, h := range f.heard {
		if before, twice := at[h]; twice {
			t.Errorf("%s: %s was heard as number %d and %d", f.name, h, before, i)
		}
		at[h] = i
	}
	for _, id := range ids {
		end, ended := at["FINISHED "+id]
		if start, started := at["STARTED "+id]; !ended || started && start > end {
			t.Errorf("%s: of %s it heard the start as %d (%v), the end as %d (%v)", f.name, id, start, started, end, ended)
		}
	}
	if len(f.failed) > 0 {
		t.Errorf("%s: %v", f.name, f.failed)
	}
}

// happenings starts and ends activities until it is told to stop, and then has all of them end. It returns their ids.
func happenings(e *emulator.Emulator, stop <-chan struct{}) (ids []string) {
	began := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	finish := func(i int) {
		e.Finish(testProject, busyGroup, ids[i], emulator.Success, began.Add(time.Duration(i+20)*time.Second))
	}
	const running = 5
	for tick := time.NewTicker(25 * time.Millisecond); ; {
		select {
		case <-tick.C:
		case <-stop:
			tick.Stop()
			for i := max(0, len(ids)-running); i < len(ids); i++ {
				finish(i)
			}
			return ids
		}
		n := len(ids)
		ids = append(ids, emulator.ID(100_000+n))
		e.Insert(testProject, busyGroup, emulator.Row{ID: ids[n], Status: emulator.Doing, Type: "NORMAL", Start: began.Add(time.Duration(n) * time.Second)})
		if n >= running {
			finish(n - running)
		}
	}
}

// Two replicas behind a load balancer are restarted in turn: no request notices, and who subscribed is told to come again, and hears of
// everything that happened meanwhile.
func TestReplicasAreRestartedUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	e, url := newUpstream(t)
	e.AddGroup(testProject, busyGroup)
	args := func(address string) []string {
		return []string{"-listen", address, "-upstream", url, "-project", testProject, "-poll=100ms"}
	}
	addresses := []string{freeAddress(t), freeAddress(t)}
	replicas := []*server{startServer(t, args(addresses[0])...), startServer(t, args(addresses[1])...)}
	front := balanced(t, addresses...)

	followers := make([]*follower, 20)
	listening, leave := context.WithCancel(t.Context())
	var following sync.WaitGroup
	for i := range followers {
		f := &follower{name: fmt.Sprint("events ", i), group: busyGroup, open: func(query string) (listener, error) { return openEvents(front, query) }}
		if i%2 == 1 {
			f.name, f.open = fmt.Sprint("socket ", i), func(query string) (listener, error) { return openSocket(front, query) }
		}
		followers[i] = f
		following.Go(func() { f.follow(listening) })
	}
	t.Cleanup(func() {
		leave()
		following.Wait()
	})
	var ids []string
	quiet, happened := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(happened)
		ids = happenings(e, quiet)
	}()
	everybody := func(knows func(*follower) bool) func() bool {
		return func() bool { return !slices.ContainsFunc(followers, func(f *follower) bool { return !knows(f) }) }
	}
	waitUntil(t, "everybody has heard something", everybody(func(f *follower) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.heard)+len(f.failed) > 0
	}))

	l := &load{stop: make(chan struct{})}
	l.start(front, 200)
	t.Cleanup(func() { l.under.Wait() })
	sent := func(n int64) func() bool { return func() bool { return l.done.Load() >= n } }
	waitUntil(t, "requests flow", sent(2000))
	for i, address := range addresses {
		if got := replicas[i].stop(); got != exitDone {
			t.Errorf("replica %d ended with %d", i, got)
		}
		waitUntil(t, "the other one serves", sent(l.done.Load()+1000))
		again := startServer(t, args(address)...)
		waitUntil(t, "it is asked again", func() bool { return strings.Count(again.logs.String(), `"msg":"request"`) > 200 })
	}
	waitUntil(t, "enough were sent", sent(10_000))
	close(l.stop)
	l.under.Wait()
	if n := len(l.failed); n > 0 {
		t.Errorf("%d of %d failed, e.g. %.300s", n, l.done.Load(), l.failed[0])
	}

	close(quiet)
	<-happened
	for _, id := range ids[len(ids)-5:] { // the last to end, in no order
		waitUntil(t, "everybody has heard of the end", everybody(func(f *follower) bool { return f.over(id) }))
	}
	leave()
	following.Wait()
	for _, f := range followers {
		f.check(t, ids)
		if f.begun < 2 {
			t.Errorf("%s had to begin %d streams", f.name, f.begun)
		}
	}
	t.Logf("%d requests, %d activities", l.done.Load(), len(ids))
}
