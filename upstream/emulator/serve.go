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

// reply is a response before it is sent.
type reply struct {
	status int
	kind   string // media type
	body   []byte
}

// ServeHTTP responds to one request. It panics only with http.ErrAbortHandler, to close the connection.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := e.recordRequest(r)
	defer e.record.finished()
	w.Header().Set("X-Request-Id", req.ID)
	if h := e.onRequest.Load(); h != nil && *h != nil {
		(*h)(*req)
	}
	f := e.faultFor(r)
	if !wait(r, f.Delay) || f.dropConnection(w, r) {
		return
	}
	a := e.reply(r, req, f)
	if !wait(r, f.Late) {
		return
	}
	e.send(w, r, a, f)
}

func (e *Emulator) recordRequest(r *http.Request) *Request {
	t, _ := e.target(r.URL)
	req := &Request{
		ID: requestID(), Method: r.Method, Path: r.URL.Path, Call: t.call, Project: t.project, Group: t.group, Policy: t.policy,
		RawQuery: r.URL.RawQuery, Query: r.URL.Query(), Header: r.Header.Clone(), Offset: -1, Limit: -1, At: time.Now(),
	}
	e.record.started(req)
	return req
}

func requestID() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// respond computes a response and records its status and code.
func (e *Emulator) reply(r *http.Request, req *Request, f Fault) reply {
	no := f.refusal()
	var body []byte
	if no == nil {
		body, no = e.process(r, req)
	}
	a := reply{status: http.StatusOK, kind: "application/json"}
	code := ""
	a.body = body
	if no != nil {
		a.status, code = no.status, no.code
		a.body, a.kind = no.body(req.ID)
	}
	f.corrupt(&a)
	e.record.update(func() { req.Status, req.Code = a.status, code })
	return a
}

// process performs the checks of the gateway, then those of the service, and returns the body or the error.
func (e *Emulator) process(r *http.Request, req *Request) ([]byte, *refusal) {
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

// send writes a response, compressed if the request accepts gzip.
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
	_, _ = w.Write(a.body) // fails only if the client closed the connection
}

// gzipFrom is the size in bytes from which a body is compressed.
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
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // fails for an invalid level only
	return w
}}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset(&b)
	_, _ = w.Write(body) // a Buffer does not fail
	_ = w.Close()
	return b.Bytes()
}

// Call is the name of a call.
type Call string

// The calls.
const (
	ActivityLog     Call = "activity log"
	Groups          Call = "groups"
	ShowGroup       Call = "group"
	Instances       Call = "instances"
	GroupPolicies   Call = "policies of a group"
	ProjectPolicies Call = "policies of a project"
	ShowPolicy      Call = "policy"
	Executions      Call = "executions"
)

// actions are the permissions of the calls in their documented spelling.
var actions = map[Call]string{
	ActivityLog:     "as:acivityLogs:list",
	Groups:          "as:groups:list",
	ShowGroup:       "as:groups:get",
	Instances:       "as:instances:list",
	GroupPolicies:   "as:policies:list",
	ProjectPolicies: "as:policies:list",
	ShowPolicy:      "as:policies:get",
	Executions:      "as:policyExecuteLogs:list",
}

// target is the parsed path of a request.
type target struct {
	call Call
	v2   bool
	place
	policy string // id; empty if the path has none
}

// target parses the path. The gateway checks the first segment, the service the others.
func (e *Emulator) target(u *url.URL) (target, *refusal) {
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if parts[0] != "autoscaling-api" || len(parts) < 2 {
		return target{}, refuse(http.StatusNotFound, "APIG.0101", "The API does not exist or has not been published in the environment")
	}
	version := parts[1]
	if version != "v1" && version != "v2" {
		return target{}, refuse(e.versionStatus(), "AS.0033", "The version of the API is neither v1 nor v2.")
	}
	if len(parts) < 4 || parts[2] == "" {
		return target{}, unknownPath()
	}
	t := target{v2: version == "v2", place: place{project: unescape(parts[2])}}
	rest := parts[3:]
	for i := range rest {
		rest[i] = unescape(rest[i])
	}
	return t.resource(version+" "+rest[0], rest[1:])
}

// resource sets the call and its ids from the version and the resource in name and the following segments.
func (t target) resource(name string, rest []string) (target, *refusal) {
	list := len(rest) == 2 && rest[1] == "list"
	switch {
	case name == "v2 scaling_activity_log" && len(rest) == 1:
		return t.ofGroup(ActivityLog, rest[0])
	case name == "v1 scaling_group" && len(rest) == 0:
		t.call = Groups
		return t, nil
	case name == "v1 scaling_group" && len(rest) == 1:
		return t.ofGroup(ShowGroup, rest[0])
	case name == "v1 scaling_group_instance" && list:
		return t.ofGroup(Instances, rest[0])
	case strings.HasSuffix(name, " scaling_policy") && list:
		return t.ofGroup(GroupPolicies, rest[0])
	case name == "v2 scaling_policy" && len(rest) == 0:
		t.call = ProjectPolicies
		return t, nil
	case strings.HasSuffix(name, " scaling_policy") && len(rest) == 1:
		return t.ofPolicy(ShowPolicy, rest[0])
	case name == "v1 scaling_policy_execute_log" && len(rest) == 1:
		return t.ofPolicy(Executions, rest[0])
	}
	return target{}, unknownPath()
}

func (t target) ofGroup(c Call, id string) (target, *refusal) {
	if id == "" {
		return target{}, bad("AS.2009", "The id of the scaling group is empty.")
	}
	t.call, t.group = c, id
	return t, nil
}

func (t target) ofPolicy(c Call, id string) (target, *refusal) {
	if id == "" {
		return target{}, bad("AS.3021", "The id of the scaling policy is empty.")
	}
	t.call, t.policy = c, id
	return t, nil
}

func unknownPath() *refusal {
	return refuse(http.StatusNotFound, "AS.0007", "The resource path is unknown.")
}

func (e *Emulator) versionStatus() int {
	if e.sw.Version == VersionBadRequest {
		return http.StatusBadRequest
	}
	return http.StatusNotFound
}

// unescape decodes a path segment.
func unescape(segment string) string {
	plain, err := url.PathUnescape(segment)
	if err != nil {
		return segment
	}
	return plain
}

// serve returns the body of the response to a permitted call.
func (e *Emulator) serve(t target, g grant, values url.Values, req *Request) ([]byte, *refusal) {
	switch t.call {
	case Groups:
		return e.listGroups(t, g, values, req)
	case ShowGroup:
		return e.showGroup(t, g, req)
	case Instances:
		return e.listInstances(t, g, values, req)
	case GroupPolicies:
		return e.listGroupPolicies(t, g, values, req)
	case ProjectPolicies:
		return e.listProjectPolicies(t, g, values, req)
	case ShowPolicy:
		return e.showPolicy(t, g, req)
	case Executions:
		return e.listExecutions(t, g, values, req)
	default:
		return e.listActivities(t, g, values, req)
	}
}
