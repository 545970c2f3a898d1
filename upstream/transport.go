package upstream

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// maxConnAge is the maximum age of connections, so that a change of the upstream's DNS record takes effect.
const maxConnAge = 5 * time.Minute

// NewTransport returns a transport with up to concurrency idle connections to each host, which are closed after maxConnAge. It uses HTTP/2 if the
// upstream supports it, requests gzip, and uses the proxy of the environment.
func NewTransport(concurrency int) http.RoundTripper {
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}
	// With a session cache, later connections need half a handshake.
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	return newRotatingTransport(maxConnAge, func() *http.Transport {
		return &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        tlsConfig.Clone(),
			TLSHandshakeTimeout:    3 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           0, // limited per host
			MaxIdleConnsPerHost:    concurrency,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 256 << 10,
			ReadBufferSize:         32 << 10, // most pages fit
		}
	})
}

// rotatingTransport replaces its transport, and with it all connections, when it is older than maxAge. Connections in use are closed
// after their response.
type rotatingTransport struct {
	maxAge time.Duration
	create func() *http.Transport

	mu      sync.Mutex
	current *http.Transport
	since   time.Time
}

func newRotatingTransport(maxAge time.Duration, create func() *http.Transport) *rotatingTransport {
	return &rotatingTransport{maxAge: maxAge, create: create, current: create(), since: time.Now()}
}

// RoundTrip sends a request over a connection that is not older than maxAge.
func (t *rotatingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.transport().RoundTrip(req)
}

func (t *rotatingTransport) transport() *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.since) >= t.maxAge {
		t.current.CloseIdleConnections()
		t.current, t.since = t.create(), time.Now()
	}
	return t.current
}

// CloseIdleConnections implements the interface that http.Client uses.
func (t *rotatingTransport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current.CloseIdleConnections()
}

// authTransport sends the request of one attempt with the credential of its caller, which it adds to the header.
type authTransport interface {
	roundTrip(req *http.Request, k *call) (*http.Response, error)
}

// tokenAuth adds the caller's token. A request without one is sent as it is, and the upstream rejects it.
type tokenAuth struct{ next http.RoundTripper }

func (t *tokenAuth) roundTrip(req *http.Request, k *call) (*http.Response, error) {
	if token := k.token(); token != "" {
		if !httpguts.ValidHeaderFieldValue(token) { // the transport would report it as a failed connection
			return nil, fmt.Errorf("%w: the token cannot stand in a header", ErrUnauthenticated)
		}
		req.Header.Set("X-Auth-Token", token)
	}
	return countAndSend(t.next, req, k)
}

// countAndSend sends a request and counts it, unless the caller has used up its calls.
func countAndSend(next http.RoundTripper, req *http.Request, k *call) (*http.Response, error) {
	if err := k.caller.TakeCall(); err != nil {
		return nil, err
	}
	return next.RoundTrip(req)
}
