package direct

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestACertificateThatIsNotTrusted fails as it does with net/http.
func TestACertificateThatIsNotTrusted(t *testing.T) {
	s := serve(t, "https", saying(hello))
	for name, tc := range map[string]struct {
		edit func(*tls.Config)
		want any
	}{
		"by nobody":     {func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }, new(x509.UnknownAuthorityError)},
		"of a stranger": {func(c *tls.Config) { c.ServerName = "elsewhere.test" }, new(x509.HostnameError)},
	} {
		t.Run(name, func(t *testing.T) {
			c := transport(t, func(under *http.Transport) {
				under.TLSClientConfig = under.TLSClientConfig.Clone()
				tc.edit(under.TLSClientConfig)
			})
			theirs := c.stock.Clone()
			defer theirs.CloseIdleConnections()
			got, want := get(t.Context(), c, s.url), get(t.Context(), theirs, s.url)
			if !errors.As(got.err, tc.want) || got.err.Error() != want.err.Error() {
				t.Errorf("got %v, want %v", got.err, want.err)
			}
		})
	}
}

func TestHTTP2IsNotSpoken(t *testing.T) {
	spoken := make(chan string, 1)
	s := serve(t, "https", func(c net.Conn, r *bufio.Reader) {
		sayingOnce(hello)(c, r)
		spoken <- c.(*tls.Conn).ConnectionState().NegotiatedProtocol
	})
	c := transport(t, func(under *http.Transport) { under.ForceAttemptHTTP2 = true })
	if got := get(t.Context(), c, s.url); got.err != nil || <-spoken != "http/1.1" {
		t.Errorf("got %v, or another protocol", got.err)
	}
}

// TestSessionsAreResumed has the second connection take up the first one's session, where stock keeps those.
func TestSessionsAreResumed(t *testing.T) {
	resumed := make(chan bool, 2)
	s := serve(t, "https", func(c net.Conn, r *bufio.Reader) {
		sayingOnce("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")(c, r)
		resumed <- c.(*tls.Conn).ConnectionState().DidResume
	})
	c := transport(t, func(under *http.Transport) {
		under.TLSClientConfig = under.TLSClientConfig.Clone()
		under.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	})
	for _, want := range []bool{false, true} {
		if got := get(t.Context(), c, s.url); got.err != nil {
			t.Fatal(got.err)
		}
		if got := <-resumed; got != want {
			t.Errorf("resumed: %t, want %t", got, want)
		}
	}
}

// TestAHandshakeEnds has a server that accepts connections and says nothing, or nothing of TLS.
func TestAHandshakeEnds(t *testing.T) {
	silence := func(_ net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }
	soon := func(under *http.Transport) { under.TLSHandshakeTimeout = 20 * time.Millisecond }
	t.Run("in time", func(t *testing.T) {
		s := serve(t, "http", silence)
		if got := get(t.Context(), transport(t, soon), "https"+strings.TrimPrefix(s.url, "http")); !errors.Is(got.err, errHandshake) {
			t.Errorf("got %v", got.err)
		}
	})
	t.Run("with its caller", func(t *testing.T) {
		s, why := serve(t, "http", silence), errors.New("why")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, why)
		defer cancel()
		if got := get(ctx, transport(t), "https"+strings.TrimPrefix(s.url, "http")); !errors.Is(got.err, why) {
			t.Errorf("got %v", got.err)
		}
	})
	t.Run("without TLS", func(t *testing.T) {
		s := serve(t, "http", func(c net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(c, hello) })
		var wrong tls.RecordHeaderError
		if got := get(t.Context(), transport(t), "https"+strings.TrimPrefix(s.url, "http")); !errors.As(got.err, &wrong) {
			t.Errorf("got %v", got.err)
		}
	})
}

// tickets counts the session tickets that a client takes.
type tickets struct {
	tls.ClientSessionCache

	n int
}

func (t *tickets) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (t *tickets) Put(string, *tls.ClientSessionState)        { t.n++ }

// TestTicketsAreNoAnswers has the tickets of TLS 1.3 come to a connection that is idle. It stays of use, until something comes that is an answer.
func TestTicketsAreNoAnswers(t *testing.T) {
	shaken, forge, forged := make(chan error, 1), make(chan bool), make(chan error, 1)
	s := serve(t, "https", func(c net.Conn, r *bufio.Reader) {
		shaken <- c.(*tls.Conn).Handshake() // the tickets are sent when it returns
		sayingOnce(hello)(c, r)
		<-forge
		_, err := io.WriteString(c, hello)
		forged <- err
		_ = asked(r) // until it is closed
	})
	taken := &tickets{}
	tr := transport(t, func(under *http.Transport) {
		under.TLSClientConfig = under.TLSClientConfig.Clone()
		under.TLSClientConfig.ClientSessionCache = taken
	})
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	c, err := tr.dial(t.Context(), u)
	if err = errors.Join(err, <-shaken); err != nil {
		t.Fatal(err)
	}
	if silent := c.silent(); !silent || taken.n == 0 {
		t.Errorf("silent %v after %d tickets", silent, taken.n)
	}
	tr.idle.put(c)
	if got := get(t.Context(), tr, s.url); got.body != "hello" || s.conns.Load() != 1 {
		t.Errorf("%q, %v over connection %d", got.body, got.err, s.conns.Load())
	}
	forge <- true
	if err := <-forged; err != nil {
		t.Fatal(err)
	}
	if tr.idle.take(u) != nil {
		t.Error("what was not asked for would be an answer")
	}
}
