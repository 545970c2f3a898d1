// Package direct carries requests over HTTP/1.1 on the goroutine of whoever asks. The client of net/http has two goroutines for each
// connection, and hands every request and every answer over between three: beside a small call on a short way that is much.
//
// It serves GET requests without a body, to http and https URLs, with no proxy on the way; answers come as they are sent, compressed or not.
// These are read by net/http's own code, and what else is asked goes the way of net/http altogether.
package direct

import (
	"net/http"
)

// Transport is an http.RoundTripper that may be used by many goroutines. It makes a request again, once and over a new connection, where
// the one that it took was lost before a byte of the answer came. A context that ends closes the connection of its request.
type Transport struct {
	stock *http.Transport
	idle  pool
}

// New returns a transport that is set up as stock is, and leaves to it what it does not serve itself. It heeds stock's Proxy, DialContext,
// TLSClientConfig, TLSHandshakeTimeout, IdleConnTimeout, MaxResponseHeaderBytes, ReadBufferSize and MaxIdleConnsPerHost, which bounds all idle
// connections. All but TLSClientConfig must be set, and nobody may change them. Over TLS it offers HTTP/1.1 alone, whatever stock would.
func New(stock *http.Transport) *Transport {
	return &Transport{stock: stock, idle: pool{most: stock.MaxIdleConnsPerHost, life: stock.IdleConnTimeout}}
}

// RoundTrip sends a request and reads the head of the answer, whose body must be read to its end or closed.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.carries(req) {
		return t.stock.RoundTrip(req)
	}
	if c := t.idle.take(req.URL); c != nil {
		resp, err := c.exchange(req)
		if err == nil || c.answered || req.Context().Err() != nil {
			return resp, err
		}
	}
	c, err := t.dial(req.Context(), req.URL)
	if err != nil {
		return nil, endedOr(req.Context(), err)
	}
	return c.exchange(req)
}

// CloseIdleConnections is what http.Client looks for. Connections that are in use are not disturbed.
func (t *Transport) CloseIdleConnections() {
	t.idle.close()
	t.stock.CloseIdleConnections()
}

// carries reports whether a request is of the kind that this transport knows. Stock says what is wrong with one that is not.
func (t *Transport) carries(req *http.Request) bool {
	if !able || req.Method != http.MethodGet || req.Body != nil && req.Body != http.NoBody || !known(req) || !sendable(req.Header) {
		return false
	}
	proxy, err := t.stock.Proxy(req)
	return proxy == nil && err == nil
}
