package httpserver

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"scalegraph/internal/request"
	"scalegraph/internal/testkit"
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

func startSlow(t *testing.T, delay, timeout time.Duration) *slowServer {
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
		time.Sleep(20 * time.Millisecond) // no request ends while the program is being stopped
		s.serving.Store(serving)
	}
	go func() {
		s.done <- Serve(ctx, listener, Config{
			Handler: hold, Streams: none{}, OnReady: told, DrainDelay: delay, DrainTimeout: timeout, Log: slog.New(slog.DiscardHandler),
		})
	}()
	return s
}

// ask sends a request in the background and returns when it is being served.
func (s *slowServer) ask() (response chan string) {
	response = make(chan string, 1)
	go func() {
		resp, err := http.Get(s.url)
		if err != nil {
			response <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		response <- string(text)
	}()
	<-s.entered
	return response
}

func TestDrainingLetsRequestsFinish(t *testing.T) {
	s := startSlow(t, 0, 20*time.Second)
	response := s.ask()
	if !s.serving.Load() {
		t.Error("it does not say that it serves")
	}
	s.stop()
	for s.serving.Load() {
		time.Sleep(time.Millisecond)
	}
	close(s.letGo)
	if got := <-response; got != "done" {
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
	s := startSlow(t, 0, 50*time.Millisecond)
	response := s.ask()
	s.stop()
	if err := <-s.done; err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v, want to be told that a request was cut off", err)
	}
	<-response
}

// A body that does not arrive is given up; a stream that goes on long behind its body is not.
func TestSlowBodies(t *testing.T) {
	const within = 300 * time.Millisecond
	result := make(chan error, 1)
	s := httptest.NewServer(bodyReadTimeout(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
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
		c := testkit.Dial(t, s.Listener.Addr().String())
		_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"+body)
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
		t.Errorf("a whole body, then a long response: %v", err)
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

// The headers that all responses share stay as they are, whatever a handler adds to its own.
func TestHeadersAreSharedUnchanged(t *testing.T) {
	const policy = "Content-Security-Policy"
	h := Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/add":
			w.Header().Add(policy, "more")
		case "/set":
			w.Header().Set(policy, "other")
		}
		_, _ = io.WriteString(w, request.FromContext(r.Context()).ID)
	}), slog.New(slog.DiscardHandler))
	for _, path := range []string{"/add", "/set", "/"} {
		r, w := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		r.Header.Set(request.IDHeader, "an-id")
		h.ServeHTTP(w, r)
		if path == "/" && strings.Join(w.Header().Values(policy), "") != "default-src 'none'; frame-ancestors 'none'" || w.Body.String() != "an-id" {
			t.Errorf("%s: %q, %s", path, w.Header(), w.Body)
		}
	}
}

// While draining, requests are still served, each on a connection that is closed after it; then the streams end and no connection is accepted.
func TestDrainDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		ready, streams := new(atomic.Bool), &drainTime{}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- Serve(ctx, listener, Config{
				Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, strconv.FormatBool(ready.Load()))
				}),
				Streams: streams, OnReady: ready.Store, DrainDelay: 5 * time.Second, Log: slog.New(slog.DiscardHandler),
			})
		}()
		near := listener.dial()
		defer near.Close()
		if resp, body := roundTrip(t, near); body != "true" || resp.Close {
			t.Errorf("before: %q, closed %v", body, resp.Close)
		}
		stopped := time.Now()
		stop()
		time.Sleep(4 * time.Second)
		for _, conn := range []net.Conn{near, listener.dial()} { // an old and a new connection
			if resp, body := roundTrip(t, conn); body != "false" || !resp.Close {
				t.Errorf("while draining: %q, closed %v", body, resp.Close)
			}
			conn.Close()
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := streams.at.Sub(stopped); got != 5*time.Second {
			t.Errorf("the streams were ended after %v", got)
		}
	})
}

// TestShutdownWaitsForHijackedConnections checks that the handler of a WebSocket returns before Serve does, so that its log line and its span are sent.
func TestShutdownWaitsForHijackedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		var streams drainTime
		returned := false
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
			time.Sleep(time.Minute)
			returned = true
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- Serve(ctx, listener, Config{
				Handler: handler, Streams: &streams, OnReady: func(bool) {}, Log: slog.New(slog.DiscardHandler),
			})
		}()
		conn := listener.dial()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		if err := <-done; err != nil || !returned {
			t.Errorf("%v; the handler has returned: %v", err, returned)
		}
	})
}

// drainTime records when the streams are ended.
type drainTime struct{ at time.Time }

func (d *drainTime) Drain(context.Context) error {
	d.at = time.Now()
	return nil
}

// pipeListener is a listener of connections within this process, which a synctest bubble can contain.
type pipeListener struct {
	conns chan net.Conn
	close func()
}

func newPipeListener() pipeListener {
	l := pipeListener{conns: make(chan net.Conn)}
	l.close = sync.OnceFunc(func() { close(l.conns) })
	return l
}

func (l pipeListener) dial() net.Conn {
	near, far := net.Pipe()
	l.conns <- far
	return near
}

func (l pipeListener) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l pipeListener) Close() error   { l.close(); return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func roundTrip(t *testing.T, conn net.Conn) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}
