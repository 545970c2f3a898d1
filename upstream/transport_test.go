package upstream

import (
	"compress/gzip"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The default transport negotiates HTTP/2, so that many calls share one connection.
func TestTransportSpeaksHTTP2(t *testing.T) {
	var protocol string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.Proto
		says(http.StatusOK, emptyPage)(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := NewTransport(8).(*rotatingTransport)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport.current.TLSClientConfig.RootCAs = roots
	c := dial(t, server.URL, func(cfg *Config) { cfg.Transport = transport })
	if _, err := list(t, c); err != nil {
		t.Fatal(err)
	}
	if protocol != "HTTP/2.0" {
		t.Errorf("the request used %s", protocol)
	}
}

// A change of the upstream's DNS record is followed, because connections are replaced.
func TestTransportReplacesOldConnections(t *testing.T) {
	for maxAge, want := range map[time.Duration]int{time.Hour: 1, time.Nanosecond: 3} {
		peers := map[string]bool{}
		transport := newRotatingTransport(maxAge, func() *http.Transport { return new(http.Transport) })
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			peers[r.RemoteAddr] = true
			says(http.StatusOK, emptyPage)(w, r)
		}, func(cfg *Config) { cfg.Transport = transport })
		for range 3 {
			if _, err := list(t, c); err != nil {
				t.Fatal(err)
			}
		}
		if len(peers) != want {
			t.Errorf("maximum age %v: 3 calls used %d connections", maxAge, len(peers))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		production := NewTransport(1).(*rotatingTransport)
		first := production.transport()
		time.Sleep(maxConnAge)
		if production.transport() == first {
			t.Errorf("the transport of production is the same after %v", maxConnAge)
		}
	})
}

// Gateways may transform a response (203), name gzip by its old name and compress although they forward an error.
func TestUnusualResponsesAreRead(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "x-gzip")
		w.WriteHeader(http.StatusNonAuthoritativeInfo)
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte("\ufeff" + emptyPage))
		_ = z.Close()
	})
	if _, err := list(t, c); err != nil {
		t.Error(err)
	}
}

// A large page is read beyond its start only with a permit, which is released when the page has been decoded.
func TestLargeBodiesWaitForPermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := `{"total_number":0,"scaling_activity_log":[],"scaling_group":{"scaling_group_id":"g1"},"x":"` + strings.Repeat(" ", 2*smallBody) + `"}`
		var body *strings.Reader
		c := guarded(t, roundTripper(func(*http.Request) (*http.Response, error) {
			body = strings.NewReader(page)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(body)}, nil
		}))
		if err := c.large.Acquire(t.Context(), maxLargeBodies); err != nil {
			t.Fatal(err)
		}
		if _, err := list(t, c); !errors.Is(err, ErrTimeout) || len(page)-body.Len() > smallBody {
			t.Errorf("without a permit: %v after %d bytes", err, len(page)-body.Len())
		}
		c.large.Release(maxLargeBodies)
		time.Sleep(minGroupBackoff)
		for range 2 * maxLargeBodies {
			if _, err := list(t, c); err != nil {
				t.Errorf("with a permit: %v", err)
			}
			if _, _, err := c.ShowGroup(t.Context(), testGroup); err != nil {
				t.Errorf("a lookup with a permit: %v", err)
			}
		}
	})
}
