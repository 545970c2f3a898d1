package gqlhttp

import (
	"net/http"
	"strings"

	"scalegraph/internal/apierr"
	"scalegraph/internal/request"
	"scalegraph/upstream"
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
		return nil, refusef(http.StatusBadRequest, apierr.BadUserInput, "Scalegraph-Token is not of the form <project id>=<token>.")
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
			if !ok || !upstream.ValidID(project) || token == "" {
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
