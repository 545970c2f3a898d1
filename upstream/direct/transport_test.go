package direct

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

func TestAnswers(t *testing.T) { overEach(t, answers) }

func answers(t *testing.T, scheme string) {
	for name, tc := range map[string]struct {
		answer string
		status int
		body   string
		again  bool // the connection is used for the next request
	}{
		"of known length":     {hello, 200, "hello", true},
		"empty":               {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", true},
		"of a bodyless kind":  {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
		"an error":            {"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", 500, "no", true},
		"chunked":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n", 200, "hello", true},
		"behind others":       {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + hello, 200, "hello", true},
		"kept by 1.0":         {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", true},
		"not kept by 1.0":     {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false},
		"the last":            {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false},
		"with more behind it": {hello + "x", 200, "hello", false},
		"an answer behind it": {hello + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", 200, "hello", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, scheme, saying(tc.answer))
			c := transport(t)
			for range 3 {
				if got := get(t.Context(), c, s.url); got.err != nil || got.status != tc.status || got.body != tc.body {
					t.Errorf("got %d %q, %v", got.status, got.body, got.err)
				}
			}
			if want := map[bool]int32{true: 1, false: 3}[tc.again]; s.conns.Load() != want {
				t.Errorf("3 requests over %d connections, want %d", s.conns.Load(), want)
			}
		})
	}
}

func TestFaults(t *testing.T) { overEach(t, faults) }

func faults(t *testing.T, scheme string) {
	for name, tc := range map[string]struct {
		answer, want string
	}{
		"nothing":                {"", "EOF"},
		"no HTTP":                {"SSH-2.0-OpenSSH\r\n", "malformed HTTP"},
		"no status":              {"HTTP/1.1 OK\r\n\r\n", "malformed HTTP"},
		"no header":              {"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", "malformed MIME header"},
		"a head without end":     {"HTTP/1.1 200 OK\r\nA: b\r\n", "unexpected EOF"},
		"a body cut off":         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "unexpected EOF"},
		"chunks cut off":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "unexpected EOF"},
		"no chunks":              {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n", "invalid byte in chunk length"},
		"a huge header":          {"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 300<<10), "server response headers exceeded"},
		"a huge number of hints": {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 8<<10) + hello, "server response headers exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, scheme, sayingOnce(tc.answer))
			c := transport(t)
			got := get(t.Context(), c, s.url)
			if got.err == nil || !strings.Contains(got.err.Error(), tc.want) {
				t.Errorf("got %d %q, %v; want %s", got.status, got.body, got.err, tc.want)
			}
			if s.conns.Load() != 1 {
				t.Errorf("%d connections", s.conns.Load())
			}
		})
	}
}

// TestAConnectionThatWasClosedIsReplaced has the server close each connection after its first answer, and close the second one only when it
// is used again.
func TestAConnectionThatWasClosedIsReplaced(t *testing.T) {
	overEach(t, aConnectionThatWasClosedIsReplaced)
}

func aConnectionThatWasClosedIsReplaced(t *testing.T, scheme string) {
	for name, after := range map[string]func(*bufio.Reader){
		"while it was idle": func(*bufio.Reader) {},
		"when it was used":  func(r *bufio.Reader) { _, _ = r.ReadByte() },
	} {
		t.Run(name, func(t *testing.T) {
			closed := make(chan struct{}, 10)
			s := serve(t, scheme, func(c net.Conn, r *bufio.Reader) {
				sayingOnce(hello)(c, r)
				after(r)
				_ = c.Close()
				closed <- struct{}{}
			})
			c := transport(t)
			for i := range 3 {
				if got := get(t.Context(), c, s.url); got.err != nil || got.body != "hello" {
					t.Fatalf("request %d: %q, %v", i, got.body, got.err)
				}
				if name == "while it was idle" {
					<-closed
				}
			}
			if s.conns.Load() != 3 {
				t.Errorf("%d connections", s.conns.Load())
			}
		})
	}
}

// TestWhatComesUnaskedIsNoAnswer has a second answer come when the first was read.
func TestWhatComesUnaskedIsNoAnswer(t *testing.T) { overEach(t, whatComesUnaskedIsNoAnswer) }

func whatComesUnaskedIsNoAnswer(t *testing.T, scheme string) {
	read, sent := make(chan struct{}), make(chan struct{})
	s := serve(t, scheme, func(c net.Conn, r *bufio.Reader) {
		sayingOnce(hello)(c, r)
		if _, ok := <-read; ok {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
			sent <- struct{}{}
		}
		_ = asked(r) // until it is closed
	})
	c := transport(t)
	_ = get(t.Context(), c, s.url)
	read <- struct{}{}
	<-sent
	close(read)
	if got := get(t.Context(), c, s.url); got.body != "hello" {
		t.Errorf("got %q, %v", got.body, got.err)
	}
}

func TestAContextEndsItsExchange(t *testing.T) { overEach(t, aContextEndsItsExchange) }

func aContextEndsItsExchange(t *testing.T, scheme string) {
	why := errors.New("why")
	for name, said := range map[string]string{
		"before the head": "",
		"in the head":     "HTTP/1.1 200 OK\r\nA: b\r\n",
		"in the body":     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
	} {
		for way, end := range map[string]func() (context.Context, context.CancelFunc){
			"left": func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(20*time.Millisecond, func() { cancel(why) })
				return ctx, func() {}
			},
			"late": func() (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(t.Context(), 20*time.Millisecond, why)
			},
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				s := serve(t, scheme, func(c net.Conn, r *bufio.Reader) {
					if asked(r) {
						_, _ = io.WriteString(c, said)
						_ = asked(r) // until the client closes it
					}
				})
				ctx, cancel := end()
				defer cancel()
				c := transport(t)
				if got := get(ctx, c, s.url); !errors.Is(got.err, why) {
					t.Errorf("got %d %q, %v", got.status, got.body, got.err)
				}
				if n := idle(c); n != 0 {
					t.Errorf("%d connections are kept", n)
				}
			})
		}
	}
}

// idle counts the connections that are kept.
func idle(t *Transport) int {
	t.idle.mu.Lock()
	defer t.idle.mu.Unlock()
	return len(t.idle.idle)
}

func TestAContextThatEndsLaterHarmsNobody(t *testing.T) {
	overEach(t, aContextThatEndsLaterHarmsNobody)
}

func aContextThatEndsLaterHarmsNobody(t *testing.T, scheme string) {
	s := serve(t, scheme, saying(hello))
	c := transport(t)
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		got := get(ctx, c, s.url)
		cancel()
		if got.err != nil {
			t.Fatal(got.err)
		}
	}
	if s.conns.Load() != 1 {
		t.Errorf("%d connections", s.conns.Load())
	}
}

func TestABodyThatIsNotReadClosesItsConnection(t *testing.T) {
	overEach(t, aBodyThatIsNotReadClosesItsConnection)
}

func aBodyThatIsNotReadClosesItsConnection(t *testing.T, scheme string) {
	s := serve(t, scheme, saying(hello))
	c := transport(t)
	for range 3 {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
		resp, err := c.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil && idle(c) > 0 {
			t.Error("a closed body is still read")
		}
	}
	if s.conns.Load() != 3 || idle(c) != 0 {
		t.Errorf("%d connections, %d kept", s.conns.Load(), idle(c))
	}
}

func TestIdleConnectionsAreBounded(t *testing.T) { overEach(t, idleConnectionsAreBounded) }

func idleConnectionsAreBounded(t *testing.T, scheme string) {
	var arrived sync.WaitGroup
	arrived.Add(10)
	s := serve(t, scheme, func(c net.Conn, r *bufio.Reader) {
		for first := true; asked(r); first = false {
			if first {
				arrived.Done()
				arrived.Wait() // all are under way at once
			}
			_, _ = io.WriteString(c, hello)
		}
	})
	c := transport(t)
	var under sync.WaitGroup
	for range 10 {
		under.Go(func() {
			if got := get(t.Context(), c, s.url); got.err != nil {
				t.Error(got.err)
			}
		})
	}
	under.Wait()
	if n := idle(c); n != 4 {
		t.Errorf("%d connections are kept, want 4", n)
	}
	c.CloseIdleConnections()
	if n := idle(c); n != 0 {
		t.Errorf("%d connections are kept after all were closed", n)
	}
}

// TestIdleConnectionsExpire runs with a clock of its own over connections without a network.
func TestIdleConnectionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{most: 10, life: 90 * time.Second}
		for range 3 {
			ours, theirs := net.Pipe()
			defer theirs.Close()
			c := &conn{wire: &wire{Conn: ours}}
			c.expiry = time.AfterFunc(p.life, func() { p.expire(c) })
			p.put(c)
			time.Sleep(30 * time.Second)
		}
		for i, want := range []int{2, 1, 0} {
			synctest.Wait()
			p.mu.Lock()
			if got := len(p.idle); got != want {
				t.Errorf("%d s: %d are kept, want %d", 90+30*i, got, want)
			}
			p.mu.Unlock()
			time.Sleep(30 * time.Second)
		}
	})
}

func TestTheRestIsLeftToStock(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method+" "+r.URL.String()) }))
	defer plain.Close()
	toPlain, err := url.Parse(plain.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		method, url string
		proxy       func(*http.Request) (*url.URL, error)
		body        io.Reader
		header      string
		want        string
	}{
		"POST":       {method: "POST", url: plain.URL, want: "POST /"},
		"a body":     {method: "GET", url: plain.URL, body: strings.NewReader("x"), want: "GET /"},
		"a proxy":    {method: "GET", url: "http://elsewhere.invalid/x", proxy: http.ProxyURL(toPlain), want: "GET http://elsewhere.invalid/x"},
		"bad header": {method: "GET", url: plain.URL, header: "a\x00b"},
	} {
		t.Run(name, func(t *testing.T) {
			c := transport(t, func(under *http.Transport) {
				if tc.proxy != nil {
					under.Proxy = tc.proxy
				}
			})
			req, err := http.NewRequestWithContext(t.Context(), tc.method, tc.url, tc.body)
			if err != nil {
				t.Fatal(err)
			}
			if tc.header != "" {
				req.Header.Set("X-Auth-Token", tc.header)
			}
			resp, err := c.RoundTrip(req)
			if tc.want == "" {
				if err == nil {
					resp.Body.Close()
					t.Fatal("it was sent")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if string(body) != tc.want || idle(c) != 0 {
				t.Errorf("got %q, %d connections of ours", body, idle(c))
			}
		})
	}
}

// TestManyAtOnce has each request ask for something of its own, over connections that fail now and then.
func TestManyAtOnce(t *testing.T) { overEach(t, manyAtOnce) }

func manyAtOnce(t *testing.T, scheme string) {
	s := serve(t, scheme, func(c net.Conn, r *bufio.Reader) {
		for n := range 20 {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			body := strings.Repeat(req.URL.Path, 1+n*n)
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	})
	c := transport(t)
	var under sync.WaitGroup
	for n := range 16 {
		under.Go(func() {
			for i := range 50 {
				want := fmt.Sprintf("/%d-%d", n, i)
				got := get(t.Context(), c, strings.TrimSuffix(s.url, "/")+want)
				if got.err != nil || strings.ReplaceAll(got.body, want, "") != "" || got.body == "" {
					t.Errorf("%s: %.40q, %v", want, got.body, got.err)
				}
			}
		})
	}
	under.Wait()
}

func TestCallersRequestsAreNotChanged(t *testing.T) {
	seen := make(chan http.Header, 1)
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }))
	defer plain.Close()
	c := transport(t)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, plain.URL, nil)
	req.Header.Set("X-Auth-Token", "a")
	resp, err := c.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := <-seen; got.Get("X-Auth-Token") != "a" || len(req.Header) != 1 || resp.Request != req {
		t.Errorf("sent %v; the request has %v now", got, req.Header)
	}
}
