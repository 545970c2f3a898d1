package httpserver

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
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalegraph/internal/gqlhttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// none is a server without streams.
type none struct{}

func (none) Drain(context.Context) error { return nil }

// slowServer serves one handler that holds every request until it is let go.
type slowServer struct {
	url     string
	serving atomic.Bool
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
		url:     "http://" + listener.Addr().String(),
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
	told := func(serving bool) {
		time.Sleep(20 * time.Millisecond) // no request is answered while it is being told
		s.serving.Store(serving)
	}
	go func() {
		s.done <- Serve(ctx, listener, Config{
			Handler: hold, Streams: none{}, Serving: told, Drain: drain, Log: slog.New(slog.DiscardHandler),
		})
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
	if !s.serving.Load() {
		t.Error("it does not say that it serves")
	}
	s.stop()
	for s.serving.Load() {
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

// What streams need goes through the middleware: flushing, and taking the connection over for a WebSocket.
func TestStreamsPassTheMiddleware(t *testing.T) {
	s := httptest.NewServer(Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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

// The headers that all answers share stay as they are, whatever a handler adds to its own.
func TestHeadersAreSharedUnchanged(t *testing.T) {
	const policy = "Content-Security-Policy"
	h := Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/add":
			w.Header().Add(policy, "more")
		case "/set":
			w.Header().Set(policy, "other")
		}
		w.Header().Add(gqlhttp.RequestIDHeader, "more")
		_, _ = io.WriteString(w, r.Header.Get(gqlhttp.RequestIDHeader)+strings.Join(r.Header.Values(gqlhttp.RequestIDHeader), ""))
	}), slog.New(slog.DiscardHandler))
	for _, path := range []string{"/add", "/set", "/"} {
		r, w := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		r.Header.Set(gqlhttp.RequestIDHeader, "an-id")
		h.ServeHTTP(w, r)
		if path == "/" && strings.Join(w.Header().Values(policy), "") != "default-src 'none'; frame-ancestors 'none'" || w.Body.String() != "an-idan-id" {
			t.Errorf("%s: %q, %s", path, w.Header(), w.Body)
		}
	}
}
