// Package inprocess sends requests to an http.Handler without a socket.
package inprocess

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// ErrConnection is the error of a request whose connection the handler closes or resets before it responds.
var ErrConnection = errors.New("emulator: connection closed")

// Transport returns a RoundTripper that calls h, for tests in a synctest bubble. If h aborts after the header, reading the body fails with
// io.ErrUnexpectedEOF.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &recorder{header: http.Header{}}
	aborted := w.run(t.handler, in)
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case w.status == 0:
		return nil, ErrConnection
	}
	return w.response(r, aborted), nil
}

// recorder is a ResponseWriter that buffers the response.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header  { return w.header }
func (w *recorder) WriteHeader(code int) { w.status = code }

func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

// run calls the handler and reports whether it panicked with http.ErrAbortHandler.
func (w *recorder) run(h http.Handler, r *http.Request) (aborted bool) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			aborted = true
		default:
			panic(v)
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

func (w *recorder) response(r *http.Request, aborted bool) *http.Response {
	var body io.Reader = &w.body
	if aborted {
		body = io.MultiReader(body, truncated{})
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(body), ContentLength: -1, Request: r,
	}
}

// truncated is the end of a body whose connection was cut.
type truncated struct{}

func (truncated) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
