package emulator

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// ErrConnection is what a RoundTripper of Transport returns where a socket would have been closed.
var ErrConnection = errors.New("emulator: connection closed")

// Transport returns a RoundTripper that asks e without a socket, for tests in a synctest bubble. Faults that break a connection come back as
// ErrConnection, or as io.ErrUnexpectedEOF from the body.
func (e *Emulator) Transport() http.RoundTripper { return inProcess{e} }

type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &memory{header: http.Header{}}
	aborted := w.run(p.handler, in)
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case w.status == 0:
		return nil, ErrConnection
	}
	return w.response(r, aborted), nil
}

// memory is a ResponseWriter that keeps what is written.
type memory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *memory) Header() http.Header  { return w.header }
func (w *memory) WriteHeader(code int) { w.status = code }

func (w *memory) Write(b []byte) (int, error) { return w.body.Write(b) }

// run calls the handler and reports whether it wished the connection cut.
func (w *memory) run(h http.Handler, r *http.Request) (aborted bool) {
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

func (w *memory) response(r *http.Request, aborted bool) *http.Response {
	var body io.Reader = &w.body
	if aborted {
		body = io.MultiReader(body, broken{})
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(body), ContentLength: -1, Request: r,
	}
}

// broken is the rest of a body whose connection was cut.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
