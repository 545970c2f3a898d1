package emulator

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// reply is an answer before it is sent.
type reply struct {
	status int
	kind   string // media type
	body   []byte
}

// ServeHTTP answers one request. Its panics are http.ErrAbortHandler alone, which net/http takes as the wish to cut the connection.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := e.arrive(r)
	defer e.record.left()
	w.Header().Set("X-Request-Id", req.ID)
	if h := e.onRequest.Load(); h != nil && *h != nil {
		(*h)(*req)
	}
	f := e.faultFor(r)
	if !wait(r, f.Delay) || f.swallow(w, r) {
		return
	}
	a := e.answer(r, req, f)
	if !wait(r, f.Late) {
		return
	}
	e.send(w, r, a, f)
}

func (e *Emulator) arrive(r *http.Request) *Request {
	t, _ := e.target(r.URL)
	req := &Request{
		ID: requestID(), Method: r.Method, Path: r.URL.Path, Call: t.call, Project: t.project, Group: t.group, Policy: t.policy,
		RawQuery: r.URL.RawQuery, Query: r.URL.Query(), Header: r.Header.Clone(), Offset: -1, Limit: -1, At: time.Now(),
	}
	e.record.arrived(req)
	return req
}

func requestID() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// answer computes a page or a refusal and records which.
func (e *Emulator) answer(r *http.Request, req *Request, f Fault) reply {
	no := f.refusal()
	var body []byte
	if no == nil {
		body, no = e.decide(r, req)
	}
	a := reply{status: http.StatusOK, kind: "application/json"}
	code := ""
	a.body = body
	if no != nil {
		a.status, code = no.status, no.code
		a.body, a.kind = no.body(req.ID)
	}
	f.spoil(&a)
	e.record.update(func() { req.Status, req.Code = a.status, code })
	return a
}

// decide passes a request through the gateway, then through the service.
func (e *Emulator) decide(r *http.Request, req *Request) ([]byte, *refusal) {
	t, unknown := e.target(r.URL)
	if unknown != nil && unknown.code == "APIG.0101" {
		return nil, unknown
	}
	if r.Method != http.MethodGet {
		return nil, refuse(http.StatusMethodNotAllowed, "APIG.0101", "The method is not published: "+url.QueryEscape(r.Method))
	}
	g, no := e.authenticate(r)
	if no != nil {
		return nil, no
	}
	if unknown != nil {
		return nil, unknown
	}
	if no := g.authorize(t); no != nil {
		return nil, no
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "APIG.0201", "Bad request: the query cannot be decoded")
	}
	return e.serve(t, g, values, req)
}

// send writes a reply, compressed where the client takes that.
func (e *Emulator) send(w http.ResponseWriter, r *http.Request, a reply, f Fault) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	if a.status == http.StatusMethodNotAllowed {
		h.Set("Allow", http.MethodGet)
	}
	if after := e.retryAfter(a.status, f); after != "" {
		h.Set("Retry-After", after)
	}
	switch {
	case f.Break == CorruptEncoding:
		h.Set("Content-Encoding", "gzip")
	case e.sw.Compression == GzipAccepted && len(a.body) >= gzipFrom && acceptsGzip(r.Header):
		h.Set("Content-Encoding", "gzip")
		a.body = compress(a.body)
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if f.Break == CutOff {
		_, _ = w.Write(a.body[:len(a.body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(a.body) // a client that hung up is its own affair
}

// gzipFrom is the size below which compressing would make a body longer.
const gzipFrom = 256

func acceptsGzip(h http.Header) bool {
	for _, part := range strings.Split(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, q, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(part), " ", ""), ";")
		if (name == "gzip" || name == "*") && q != "q=0" && q != "q=0.0" {
			return true
		}
	}
	return false
}

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is a valid one
	return w
}}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset(&b)
	_, _ = w.Write(body) // a Buffer never fails
	_ = w.Close()
	return b.Bytes()
}
