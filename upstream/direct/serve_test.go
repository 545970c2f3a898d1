package direct

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// server answers connections as a test has it, and counts them.
type server struct {
	url   string
	conns atomic.Int32
	under sync.WaitGroup
}

// schemes are the two ways to reach a server.
var schemes = []string{"http", "https"}

// overEach runs a test over plain connections and over TLS.
func overEach(t *testing.T, test func(t *testing.T, scheme string)) {
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) { test(t, scheme) })
	}
}

// certified is set up with a certificate for 127.0.0.1, as a server and as a client that trusts it.
var certified = sync.OnceValues(func() (server, client *tls.Config) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}, s.Client().Transport.(*http.Transport).TLSClientConfig
})

// serve starts a server that hands each connection to handle, and closes it when that returns.
func serve(t interface {
	Fatal(args ...any)
	Cleanup(f func())
}, scheme string, handle func(c net.Conn, r *bufio.Reader)) *server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{url: scheme + "://" + listener.Addr().String() + "/"}
	if scheme == "https" {
		cfg, _ := certified()
		listener = tls.NewListener(listener, cfg)
	}
	var open sync.Map
	s.under.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			open.Store(c, true)
			s.under.Go(func() {
				defer c.Close()
				handle(c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Range(func(c, _ any) bool {
			abort(c.(net.Conn))
			return true
		})
		s.under.Wait()
	})
	return s
}

// abort closes a connection without a word, also where TLS would say one.
func abort(c net.Conn) {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	_ = c.Close()
}

// asked reads one request; false where there is none any more.
func asked(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	return err == nil && req.Method == http.MethodGet
}

// saying answers every request of a connection with the same bytes.
func saying(answer string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		for asked(r) {
			_, _ = io.WriteString(c, answer)
		}
	}
}

// sayingOnce does so once, and closes the connection.
func sayingOnce(answer string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if asked(r) {
			_, _ = io.WriteString(c, answer)
		}
	}
}

// stock is set up as the transport to the upstream is.
func stock() *http.Transport {
	_, trusting := certified()
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		MaxIdleConnsPerHost:    4,
		TLSClientConfig:        trusting,
		TLSHandshakeTimeout:    3 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		ReadBufferSize:         32 << 10,
		DisableCompression:     true,
	}
}

func transport(t *testing.T, edit ...func(*http.Transport)) *Transport {
	t.Helper()
	under := stock()
	for _, f := range edit {
		f(under)
	}
	made := New(under)
	t.Cleanup(made.CloseIdleConnections)
	return made
}

// result is what came of a request.
type result struct {
	status int
	body   string
	header http.Header
	err    error // of the head or of the body
}

// get asks for a URL and reads all of the answer.
func get(ctx context.Context, t http.RoundTripper, url string) (got result) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return result{err: err}
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return result{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return result{resp.StatusCode, string(body), resp.Header, err}
}
