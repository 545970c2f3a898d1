package upstream

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"

	"scalegraph/upstream/direct"
)

// NewTransport returns a transport that keeps as many connections as there may be calls.
func NewTransport(concurrency int) http.RoundTripper {
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}
	return direct.New(&http.Transport{
		Proxy:                  http.ProxyFromEnvironment, // as every other program on the machine
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    3 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           0, // bounded for each host
		MaxIdleConnsPerHost:    concurrency,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		ReadBufferSize:         32 << 10, // most pages come in one read
		DisableCompression:     true,     // who wants it asks for it
	})
}

type projectKey struct{}

// withProject tells which project a request is about.
func withProject(ctx context.Context, project string) context.Context {
	return context.WithValue(ctx, projectKey{}, project)
}

// secret returns the token that goes with a request; empty: none.
func secret(ctx context.Context) string {
	project, _ := ctx.Value(projectKey{}).(string)
	return CallerFrom(ctx).TokenFor(project)
}

// authorizer adds the caller's token. Without one the request goes without: to refuse it is the upstream's business.
type authorizer struct{ next http.RoundTripper }

func (t *authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	token := secret(req.Context())
	if token == "" {
		return t.next.RoundTrip(req)
	}
	if !sendable(token) {
		return nil, fmt.Errorf("%w: the token cannot stand in a header", ErrUnauthenticated)
	}
	own := *req // a round tripper may not change the request; a deep copy of it would be for nothing
	own.Header = make(http.Header, len(req.Header)+1)
	maps.Copy(own.Header, req.Header)
	own.Header.Set("X-Auth-Token", token)
	return t.next.RoundTrip(&own)
}

// CloseIdleConnections is what http.Client looks for.
func (t *authorizer) CloseIdleConnections() { closeIdle(t.next) }

// sendable reports whether a header can carry s. The transport would refuse it too, but as if no connection had been made.
func sendable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// counter counts what is sent for the request's caller, and lets nothing through where the caller may make no more calls.
type counter struct{ next http.RoundTripper }

func (t *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := CallerFrom(req.Context()).SpendCall(); err != nil {
		return nil, err
	}
	return t.next.RoundTrip(req)
}

// CloseIdleConnections is what http.Client looks for.
func (t *counter) CloseIdleConnections() { closeIdle(t.next) }

func closeIdle(next http.RoundTripper) { (&http.Client{Transport: next}).CloseIdleConnections() }
