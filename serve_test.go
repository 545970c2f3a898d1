package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"scalegraph/edge"
)

// slowServer serves one handler that holds every request until it is let go.
type slowServer struct {
	url     string
	state   *health
	entered chan struct{}
	letGo   chan struct{}
	stop    context.CancelFunc
	done    chan error
}

func startSlow(t *testing.T, drain time.Duration) *slowServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &slowServer{
		url: "http://" + listener.Addr().String(), state: &health{circuits: allWell},
		entered: make(chan struct{}, 1), letGo: make(chan struct{}), done: make(chan error, 1),
	}
	hold := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.entered <- struct{}{}
		select {
		case <-s.letGo:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "done")
	})
	ctx, cancel := context.WithCancel(t.Context())
	s.stop = cancel
	go func() {
		s.done <- serve(ctx, listener, hold, new(edge.Streams), s.state, drain, slog.New(slog.DiscardHandler))
	}()
	return s
}

// ask sends a request in the background and returns when it is being answered.
func (s *slowServer) ask() (answer chan string) {
	answer = make(chan string, 1)
	go func() {
		resp, err := http.Get(s.url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		answer <- string(text)
	}()
	<-s.entered
	return answer
}

func TestDrainingLetsRequestsFinish(t *testing.T) {
	s := startSlow(t, 20*time.Second)
	answer := s.ask()
	if !ready(s.state) {
		t.Error("not ready while serving")
	}
	s.stop()
	for ready(s.state) {
		time.Sleep(time.Millisecond)
	}
	close(s.letGo)
	if got := <-answer; got != "done" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-s.done; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(s.url); err == nil {
		t.Error("a connection was taken after the end")
	}
}

func TestDrainingIsBounded(t *testing.T) {
	s := startSlow(t, 50*time.Millisecond)
	answer := s.ask()
	s.stop()
	if err := <-s.done; err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v, want to be told that a request was cut off", err)
	}
	<-answer
}

func allWell() map[string]string { return map[string]string{"default": "closed"} }

// ready asks the readiness page.
func ready(state *health) bool {
	w := httptest.NewRecorder()
	state.ready(w, httptest.NewRequest("GET", "/readyz", nil))
	return w.Code == http.StatusOK
}

func TestNotReadyWhileStarting(t *testing.T) {
	w := httptest.NewRecorder()
	(&health{circuits: allWell}).ready(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 || w.Body.String() != `{"ready":false,"upstream":"ok","redis":"off"}`+"\n" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// A body that does not arrive is given up; a stream that goes on long behind its body is not.
func TestSlowBodies(t *testing.T) {
	const within = 300 * time.Millisecond
	result := make(chan error, 1)
	s := httptest.NewServer(bounded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if err == nil {
			select {
			case <-r.Context().Done():
				err = r.Context().Err()
			case <-time.After(3 * within):
			}
		}
		result <- err
	}), within))
	defer s.Close()
	conn := func(body string) net.Conn {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"+body)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}

	slow := conn("ab")
	defer slow.Close()
	if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("half a body: got %v, want a timeout", err)
	}
	whole := conn("abcd")
	defer whole.Close()
	if err := <-result; err != nil {
		t.Errorf("a whole body, then a long answer: %v", err)
	}
}

func TestReadinessNamesWhatFails(t *testing.T) {
	h := &health{circuits: func() map[string]string { return map[string]string{"a": "closed", "b": "open", "c": "half-open"} }}
	h.serving.Store(true)
	w := httptest.NewRecorder()
	h.ready(w, httptest.NewRequest("GET", "/readyz", nil))
	want := `{"ready":true,"upstream":"failing","regions":{"a":"ok","b":"failing","c":"failing"},"redis":"off"}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s, want %s", w.Code, w.Body, want)
	}
}

// What streams need goes through the middleware: flushing, and taking the connection over for a WebSocket.
func TestStreamsPassTheMiddleware(t *testing.T) {
	s := httptest.NewServer(middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/flush" {
			_, _ = io.WriteString(w, "first")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntaken")
		conn.Close()
	}), slog.New(slog.DiscardHandler)))
	defer s.Close()
	for path, want := range map[string]string{"/flush": "first", "/hijack": "taken"} {
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", path, got, err)
		}
		resp.Body.Close()
	}
}

// A connection that was made before the end, and whose request comes a moment later, is answered.
func TestARequestThatComesLate(t *testing.T) {
	s := startServer(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stopped := make(chan int)
	go func() { stopped <- s.stop() }()
	waitUntil(t, "the server drains", func() bool { return strings.Contains(s.logs.String(), "draining") })
	time.Sleep(2 * settle)
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("%v %q", err, answer)
	}
	if got := <-stopped; got != exitDone {
		t.Errorf("exit status %d", got)
	}
}
