package upstream

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
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
	transport := NewTransport(8).(*http.Transport)
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	transport.TLSClientConfig.RootCAs.AddCert(server.Certificate())
	c := dial(t, server.URL, func(cfg *Config) { cfg.Transport = transport })
	if _, err := list(t, c); err != nil {
		t.Fatal(err)
	}
	if protocol != "HTTP/2.0" {
		t.Errorf("the request used %s", protocol)
	}
}
