package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// echoes answers with what it was sent. Answers to a POST may be given again, for as long as willing says so.
type echoes struct {
	served, repeated atomic.Int64
	willing          func() bool
}

func (e *echoes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "half a body", http.StatusBadRequest)
		return
	}
	e.served.Add(1)
	answer := []byte(r.Method + " " + r.URL.Path + " " + strings.Repeat(string(text), 1+len(text)%7*40))
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	if r.Method == http.MethodPost {
		Repeatable(r, func(context.Context, string) ([]byte, bool) {
			if !e.willing() {
				return nil, false
			}
			e.repeated.Add(1)
			return answer, true
		})
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(answer)
}

// lines is a log that one goroutine writes and another reads.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func always() bool { return true }

// serveEchoes serves them as the program does, and returns the address and the log.
func serveEchoes(t testing.TB, e *echoes) (address string, log *lines) {
	t.Helper()
	log = new(lines)
	return serveAll(t, e, log), log
}

// serveAll serves a handler as the program does, and returns the address.
func serveAll(t testing.TB, h http.Handler, log io.Writer) (address string) {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(log, nil))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- Serve(ctx, listener, Config{Handler: Middleware(h, logger), Streams: none{}, Repeats: true, Serving: func(bool) {}, Log: logger})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// talk is a connection that is spoken to in bytes.
type talk struct {
	testing.TB
	net.Conn
	answers *bufio.Reader
}

func dial(t testing.TB, address string) *talk {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &talk{t, conn, bufio.NewReader(conn)}
}

func (c *talk) say(text string) {
	c.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.Fatal(err)
	}
}

// hear reads one answer.
func (c *talk) hear() (*http.Response, string) {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	resp, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		c.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	return resp, string(text)
}

func post(body string, headers ...string) string {
	head := "POST /graphql HTTP/1.1\r\nHost: x\r\n"
	for _, h := range headers {
		head += h + "\r\n"
	}
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

func TestARequestThatComesAgain(t *testing.T) {
	for _, c := range []struct {
		name, request string
	}{
		{"small", post("a query")},
		{"with a long answer", post(strings.Repeat("long", 60)[:237])},
		{"without a body", post("")},
		{"with an id", post("a query", "X-Request-Id: mine")},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &echoes{willing: always}
			address, log := serveEchoes(t, e)
			one, other := dial(t, address), dial(t, address)
			one.say(c.request)
			first, text := one.hear()
			other.say(post("something else"))
			other.hear()
			ids := map[string]bool{first.Header.Get("X-Request-Id"): true}
			for round := range 4 {
				conn := []*talk{one, other}[round%2]
				conn.say(c.request)
				again, same := conn.hear()
				if same != text || again.StatusCode != first.StatusCode {
					t.Fatalf("%d %q\nwas %d %q", again.StatusCode, same, first.StatusCode, text)
				}
				ids[again.Header.Get("X-Request-Id")] = true
				if at, err := http.ParseTime(again.Header.Get("Date")); err != nil || time.Since(at).Abs() > 5*time.Second {
					t.Errorf("date %v, %v", at, err)
				}
				for name := range first.Header {
					if name != "Date" && name != "X-Request-Id" && again.Header.Get(name) != first.Header.Get(name) {
						t.Errorf("%s: %q, was %q", name, again.Header.Get(name), first.Header.Get(name))
					}
				}
			}
			// What does not go out in one piece may be asked again before net/http knows that it is out.
			served, again := e.served.Load(), e.repeated.Load()
			if served+again != 6 || again == 0 || len(text) < mostHeld && served != 2 {
				t.Errorf("%d served in full, %d again", served, again)
			}
			if want := map[bool]int{false: 5, true: 1}[c.name == "with an id"]; len(ids) != want {
				t.Errorf("ids %v, want %d", ids, want)
			}
			for deadline := time.Now().Add(10 * time.Second); strings.Count(log.String(), "method=POST path=/graphql status=200 duration=") != 6; {
				if time.Now().After(deadline) {
					t.Fatalf("not one line for each:\n%s", log) // the last is written behind its answer
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
}

// An answer that must not be given again is served in full, and may be given again afterwards.
func TestARequestThatMustBeServedInFull(t *testing.T) {
	var willing atomic.Bool
	e := &echoes{willing: willing.Load}
	address, _ := serveEchoes(t, e)
	conn := dial(t, address)
	for round := range 6 {
		willing.Store(round >= 4)
		conn.say(post("a query"))
		if _, text := conn.hear(); text != "POST /graphql a query" {
			t.Fatal(text)
		}
	}
	if e.served.Load() != 4 || e.repeated.Load() != 2 {
		t.Errorf("%d served in full, %d again", e.served.Load(), e.repeated.Load())
	}
}

// What is not the same to the byte is another request.
func TestOneByteMakesAnotherRequest(t *testing.T) {
	e := &echoes{willing: always}
	address, _ := serveEchoes(t, e)
	conn := dial(t, address)
	for i, request := range []string{
		post("a query", "X-Auth-Token: one"), post("a query", "X-Auth-Token: two"), post("a query", "x-auth-token: one"), post("a quern", "X-Auth-Token: one"),
	} {
		conn.say(request)
		conn.hear()
		if n := e.served.Load(); n != int64(i+1) {
			t.Errorf("request %d: %d served in full", i, n)
		}
	}
}

// A connection whose answers are given again is not closed for being idle.
func TestRepeatsKeepTheConnection(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	deadlines := &deadlineConn{Conn: far}
	r := newRepeats(t.Context(), slog.New(slog.DiscardHandler))
	defer r.close()
	request := []byte(post("a query"))
	c := &conn{Conn: deadlines, repeats: r, buffers: newConns(nil, r).buffers, turn: turn{between: true, post: true}}
	offer := &repeat{again: func(context.Context, string) ([]byte, bool) { return []byte("body"), true }, line: line{id: rand.Text()}}
	offer.takeHead([]byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Request-Id: " + offer.line.id + "\r\nDate: Mon, 23 Nov 2026 14:38:28 GMT\r\n\r\n"))
	r.kept.Set(sha256.Sum256(request), offer)
	go func() { _, _ = c.Read(make([]byte, 4096)) }()
	if _, err := near.Write(request); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(near), nil); err != nil || resp.ContentLength != 4 {
		t.Fatal(resp, err)
	}
	near.Close()
	if left := time.Until(deadlines.read()); left < IdleTimeout-10*time.Second {
		t.Errorf("the connection is closed in %s", left)
	}
}

// deadlineConn remembers its read deadline.
type deadlineConn struct {
	net.Conn
	mu sync.Mutex
	at time.Time
}

func (c *deadlineConn) SetReadDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
	return nil
}

func (c *deadlineConn) read() time.Time {
	for range 2000 {
		c.mu.Lock()
		at := c.at
		c.mu.Unlock()
		if !at.IsZero() {
			return at
		}
		time.Sleep(time.Millisecond)
	}
	return time.Time{}
}

var changing = regexp.MustCompile(`(Date|X-Request-Id): [^\r]*`)

// whatever is sent, in whatever pieces, the answers are those of a server that gives none again.
func TestRepeatsChangeNothing(t *testing.T) {
	requests := []string{
		post("a"), post("a"), post("a"), post("b", "X-Request-Id: mine"), post("bb", "Accept: x"), post(""), post(strings.Repeat("c", 5000)),
		post("a", "X: "+strings.Repeat("y", 5000)), post("a", "Expect: 100-continue"), post(post("a")), post("a", "Connection: keep-alive"),
		"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"GET /graphql HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD /graphql HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		post("a") + "\r\n" + post("a"), // net/http takes an empty line behind a POST, and closes elsewhere, which cuts what is on its way
	}
	var n atomic.Int64
	again := &echoes{willing: func() bool { return n.Add(1)%5 > 0 }}
	address, _ := serveEchoes(t, again)
	plain := httptest.NewServer(Middleware(&echoes{}, slog.New(slog.DiscardHandler)))
	defer plain.Close()
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SampledFrom(requests), 1, 12).Draw(t, "requests")
		if rapid.IntRange(0, 3).Draw(t, "cut otherwise") == 0 {
			rest := strings.Join(pieces, "")
			for pieces = nil; rest != ""; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
				pieces, rest = append(pieces, rest[:n]), rest[n:]
			}
		}
		got, want := converse(t, address, pieces), converse(t, plain.Listener.Addr().String(), pieces)
		if got != want {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			t.Fatalf("from byte %d on got %.300q, want %.300q", at, got[at:], want[at:])
		}
	})
	if again.repeated.Load() == 0 {
		t.Error("no answer was given again")
	}
	t.Logf("%d served in full, %d again", again.served.Load(), again.repeated.Load())
}

// converse sends pieces, one after the other has surely arrived, and returns all that is answered.
func converse(t *rapid.T, address string, pieces []string) string {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	heard := make(chan string)
	go func() {
		text, _ := io.ReadAll(conn)
		heard <- changing.ReplaceAllString(string(text), "$1")
	}()
	for _, piece := range pieces {
		if _, err := io.WriteString(conn, piece); err != nil {
			break // it is closed; what was answered tells
		}
		time.Sleep(2 * time.Millisecond)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	return <-heard
}

func TestHeadLength(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0, "GET / HTTP/1.1\r\nHost: x\r\n": 0, "GET / HTTP/1.1\r\nHost: x\r\n\r": 0, "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody\r\n\r\n": 27,
		"GET / HTTP/1.1\nHost: x\n\nbody\r\n\r\n": 24, "GET / HTTP/1.1\r\nHost: x\r\n\nbody": 26, "\r\nGET": 2, "A\r\r\nB\n\r\n": 8,
	} {
		if got := headLength([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// While the program ends no answer is given again, and none that is being given is lost.
func TestRepeatsEnd(t *testing.T) {
	r := newRepeats(t.Context(), slog.New(slog.DiscardHandler))
	defer r.close()
	if !r.enter() {
		t.Fatal("none may be given")
	}
	ended := make(chan struct{})
	go func() { r.end(time.Minute); close(ended) }()
	for !r.ended.Load() {
		time.Sleep(time.Millisecond)
	}
	if r.enter() {
		t.Error("one may be given after the end")
	}
	select {
	case <-ended:
		t.Error("it ended before the answer under way did")
	default:
	}
	r.leave()
	<-ended
}
