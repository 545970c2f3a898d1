package httpserver

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"pgregory.net/rapid"

	"scalegraph/internal/gqlhttp"
)

// manners answers in the ways that a handler may, and offers all its answers.
type manners struct{ repeated atomic.Int64 }

func (m *manners) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var text []byte
	switch r.URL.Path {
	case "/unread": // the server reads what is left
	case "/half":
		text = make([]byte, 3)
		n, _ := io.ReadFull(r.Body, text)
		text = text[:n]
	case "/closed":
		_ = r.Body.Close()
	case "/abort":
		_, _ = io.ReadAll(r.Body)
		panic(http.ErrAbortHandler)
	case "/taken":
		m.takeOver(w)
		return
	default:
		var err error
		if text, err = io.ReadAll(r.Body); err != nil {
			http.Error(w, "half a body", http.StatusBadRequest)
			return
		}
	}
	answer := []byte(r.Method + " " + r.URL.Path + " " + r.Proto + " " + r.Header.Get("X") + " " + string(text))
	Repeatable(r, func(context.Context, string) ([]byte, bool) {
		m.repeated.Add(1)
		return answer, true
	})
	switch r.URL.Path {
	case "/flushed":
		_ = http.NewResponseController(w).Flush()
	case "/refused":
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		w.WriteHeader(http.StatusTooManyRequests)
	case "/named":
		w.Header().Set(gqlhttp.RequestIDHeader, strings.Repeat("otherwise", 20))
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	case "/ends":
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	}
	_, _ = w.Write(answer)
}

// takeOver says what it hears, and has the connection for itself.
func (m *manners) takeOver(w http.ResponseWriter) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
	_, _ = io.Copy(conn, buffered)
}

// to is a request like post's to another path.
func to(path, request string) string { return strings.Replace(request, "/graphql", path, 1) }

// Whatever handlers do with a body, and however oddly requests are written, a connection that gives answers again answers as any other.
func TestNoMannersConfuseAConnection(t *testing.T) {
	long := strings.Repeat("long", 1250)
	requests := []string{
		post("a"), post("a"), post("a"), post("b", "X: mine"), post(post("a")), post(long), to("/flushed", post("a")), to("/named", post("a")), to("/refused", post("a")),
		to("/unread", post("a")), to("/unread", post(post("a"))), to("/unread", post(long)), to("/unread", post("a", "Expect: nothing")),
		to("/half", post("a")), to("/half", post(post("a"))), to("/half", post(long)), to("/closed", post(post("a"))), to("/closed", post(long)),
		strings.ReplaceAll(post("a"), "\r\n", "\n"), post("a", "X: one\r\n  two"), post("a", "X: one\r\n \r\n two"), post("a", "Content-Length: 1"),
		post("a") + "\r\n", post("a") + "\n", post("a") + "\r", "\r\n\r\n" + post("a"), "\n" + post("a"),
		"GET /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na", "HEAD /graphql HTTP/1.1\r\nHost: x\r\n\r\n", "GET /unread HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /graphql HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
		"POST /graphql HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\na",
		"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1;e=f\r\na\r\n0\r\nX: y\r\n\r\n",
		"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"POST http://x/graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na",
	}
	last := []string{
		"", post("a", "Connection: close"), to("/unread", post("a", "Expect: 100-continue")), to("/ends", post("a")), to("/abort", post("a")), to("/taken", post("a")) + post("a"), post("a")[:50], "POST /graphql HTTP/1.0\r\n\r\n",
		"nothing\r\n\r\n", post("a", "Content-Length: 2"), post("a", "Expect: more"), post("a", "bad name: x"), "POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: what\r\n\r\n",
	}
	again := new(manners)
	address := serveAll(t, again, new(lines))
	plain := httptest.NewUnstartedServer(Middleware(new(manners), slog.New(slog.DiscardHandler)))
	plain.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	plain.Start()
	defer plain.Close()
	rapid.Check(t, func(t *rapid.T) {
		pieces := append(rapid.SliceOfN(rapid.SampledFrom(requests), 1, 8).Draw(t, "requests"), rapid.SampledFrom(last).Draw(t, "last"))
		got, want := converse(t, address, pieces), converse(t, plain.Listener.Addr().String(), pieces)
		if got != want {
			t.Fatalf("got %q\nwant %q", got, want)
		}
	})
	if again.repeated.Load() == 0 {
		t.Error("no answer was given again")
	}
}

// pipes is a listener of connections within this process, which a bubble of fake time can hold.
type pipes struct {
	conns chan net.Conn
	close func()
}

func newPipes() pipes {
	p := pipes{conns: make(chan net.Conn)}
	p.close = sync.OnceFunc(func() { close(p.conns) })
	return p
}

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { p.close(); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// piped serves echoes over one connection in a bubble of fake time until stop is called, or the test ends. The answer to post("a") is given again.
func piped(t *testing.T) (conn *talk, stop context.CancelFunc, ended <-chan struct{}) {
	t.Helper()
	e, listener, log := &echoes{willing: always}, newPipes(), slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := Serve(ctx, listener, Config{Handler: Middleware(e, log), Streams: none{}, Repeats: true, Serving: func(bool) {}, Log: log}); err != nil {
			t.Error(err)
		}
	}()
	near, far := net.Pipe()
	listener.conns <- far
	t.Cleanup(func() {
		near.Close()
		stop()
		<-done
	})
	c := &talk{t, near, bufio.NewReader(near)}
	for range 2 {
		c.say(post("a"))
		c.hear()
		synctest.Wait()
	}
	if e.repeated.Load() != 1 {
		t.Fatal("no answer was given again")
	}
	return c, stop, done
}

// The deadlines of a connection are those of net/http, also after an answer that was given again.
func TestDeadlinesOfRepeats(t *testing.T) {
	for _, c := range []struct {
		name, says string
		after      time.Duration
		hears      string // before the connection ends
		ends       time.Duration
	}{
		{"nothing", "", 0, "", IdleTimeout},
		{"too little to begin", "POS", time.Minute, "", IdleTimeout},
		{"half a head", "POST / HTTP/1.1\r\n", time.Minute, "", time.Minute + HeaderTimeout},
		{"half a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na", time.Minute, "HTTP/1.1 400 Bad Request", time.Minute + bodyTimeout},
		{"what is no request", "nothing\r\n\r\n", time.Minute, "HTTP/1.1 400 Bad Request", time.Minute},
		{"what the server answers itself", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", time.Minute, "HTTP/1.1 200 OK", time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _, _ := piped(t)
				began := time.Now()
				time.Sleep(c.after)
				conn.say(c.says)
				_ = conn.SetReadDeadline(time.Time{})
				heard, err := io.ReadAll(conn.answers)
				if err != nil || !strings.HasPrefix(string(heard), c.hears) || c.hears == "" && len(heard) > 0 {
					t.Errorf("heard %q, %v", heard, err)
				}
				if ended := time.Since(began); ended != c.ends {
					t.Errorf("it ended after %v, want %v", ended, c.ends)
				}
			})
		})
	}
}

// A connection whose client took only a part of an answer ends: what came next would pass for the rest. Answers are given again, held until they
// are whole, and too long for that.
func TestHalfAnAnswerIsTheLast(t *testing.T) {
	for _, request := range []string{post("a"), post("b"), post(strings.Repeat("b", 1000))} {
		synctest.Test(t, func(t *testing.T) {
			conn, _, _ := piped(t)
			go func() { _, _ = io.WriteString(conn, request) }()
			if _, err := io.ReadFull(conn, make([]byte, 20)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(writeTimeout + time.Second)
			if _, err := io.WriteString(conn, post("b")); err == nil {
				_ = conn.SetReadDeadline(time.Now().Add(time.Second))
				rest, _ := io.ReadAll(conn)
				t.Errorf("it went on with %q", rest)
			}
		})
	}
}

// When the program ends, an answer under way has a while to be taken; who takes nothing of it keeps nobody from ending.
func TestTheLastRepeat(t *testing.T) {
	for takes, most := range map[time.Duration]time.Duration{time.Second: 2 * time.Second, time.Hour: 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			conn, stop, ended := piped(t)
			conn.say(post("a"))
			synctest.Wait()
			began := time.Now()
			stop()
			go func() {
				<-ended
				if took := time.Since(began); took > most {
					t.Errorf("it ended after %v, want %v at most", took, most)
				}
			}()
			if time.Sleep(takes); takes > DrainTimeout {
				return
			}
			if _, text := conn.hear(); !strings.HasSuffix(text, "a") {
				t.Errorf("the last answer is %q", text)
			}
		})
	}
}

// What is kept of requests, credentials too, is forgotten after a while, although no other comes.
func TestRepeatsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRepeats(t.Context(), slog.New(slog.DiscardHandler))
		defer r.close()
		kept := func() weak.Pointer[repeat] {
			offer := &repeat{head: []byte("secret")}
			r.kept.Set(askedKey{}, offer)
			return weak.Make(offer)
		}()
		time.Sleep(repeatFor + 5*time.Second)
		synctest.Wait()
		runtime.GC()
		if kept.Value() != nil {
			t.Error("it is still there")
		}
	})
}
