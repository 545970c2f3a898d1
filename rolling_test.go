package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
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
		"server { listen " + front + "; location / { proxy_pass http://replicas; } } }\n"
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

// Two replicas behind a load balancer are restarted in turn, and no request notices.
func TestReplicasAreRestartedUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	_, url := newUpstream(t)
	args := func(address string) []string {
		return []string{"-listen", address, "-upstream", url, "-project", testProject}
	}
	addresses := []string{freeAddress(t), freeAddress(t)}
	replicas := []*server{startServer(t, args(addresses[0])...), startServer(t, args(addresses[1])...)}
	front := balanced(t, addresses...)
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
}
