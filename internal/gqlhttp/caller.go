package gqlhttp

import (
	"crypto/rand"
	"net/http"
	"strings"

	"scalegraph/internal/request"
)

// callerOf reads who calls, and how, from the request's headers; from nowhere else.
func callerOf(h http.Header, cfg Config, id string) (*request.Caller, *refusal) {
	c := &request.Caller{
		Token:     h.Get("X-Auth-Token"),
		NoCache:   hasDirective(h.Values("Cache-Control"), "no-cache"),
		Bearer:    bearer(h.Get("Authorization")),
		RequestID: id,
		MaxCalls:  int64(cfg.Limits.UpstreamCalls),
		Explain:   h.Get("Scalegraph-Explain") == "1",
	}
	if c.Token == "" {
		c.Token = cfg.DemoToken
	}
	tokens, ok := projectTokens(h.Values("Scalegraph-Token"))
	if !ok {
		return nil, refusef(http.StatusBadRequest, codeBadUserInput, "Scalegraph-Token is not of the form <project id>=<token>.")
	}
	c.Tokens = tokens
	return c, nil
}

// projectTokens reads `project=token`, of which one header line may hold several with commas between them. It is nil where
// there is none, and false where one is malformed.
func projectTokens(lines []string) (map[string]string, bool) {
	var tokens map[string]string
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			project, token, ok := strings.Cut(strings.TrimSpace(entry), "=")
			if !ok || project == "" || token == "" {
				return nil, false
			}
			if tokens == nil {
				tokens = map[string]string{}
			}
			tokens[project] = token
		}
	}
	return tokens, true
}

// bearer returns the credential of an Authorization header, and nothing where it is of another scheme.
func bearer(authorization string) string {
	scheme, credential, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(credential)
}

// hasDirective reports whether a comma-separated header has an entry, in any case.
func hasDirective(lines []string, directive string) bool {
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(entry), directive) {
				return true
			}
		}
	}
	return false
}

// RequestIDHeader is where a request's id stands, and its answer's.
const RequestIDHeader = "X-Request-Id"

// maxRequestID bounds the request ids that we take over, in bytes: they go into every log line.
const maxRequestID = 128

// RequestID returns the caller's id of a request where it has a well-formed one, and else an id of our making; these are all as long.
func RequestID(h http.Header) (id string, given bool) {
	if id = h.Get(RequestIDHeader); wellFormed(id) {
		return id, true
	}
	return rand.Text(), false
}

// wellFormed keeps out what could forge lines of the log.
func wellFormed(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-_.:/+=@", c) >= 0:
		default:
			return false
		}
	}
	return true
}
