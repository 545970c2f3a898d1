// Package identity reads the caller from the headers of a request, and authenticates callers again while a stream lasts.
package identity

import (
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Config has the properties of callers that do not come from headers.
type Config struct {
	DemoToken string // used for requests without X-Auth-Token; empty: none
	MaxCalls  int    // upstream calls of one operation
}

// maxProjectTokens bounds the tokens of one request, because shares and budgets are counted for each. IAM tokens have more than a kilobyte, so
// no more of them fit into the headers.
const maxProjectTokens = 256

// FromHeader returns the caller that the headers of a request identify. It returns an error if Scalegraph-Token is malformed.
func FromHeader(h http.Header, cfg Config, requestID string) (*request.Caller, *gqlerror.Error) {
	c := &request.Caller{
		Token:     h.Get("X-Auth-Token"),
		NoCache:   HasDirective(h.Values("Cache-Control"), "no-cache"),
		Bearer:    bearer(h.Get("Authorization")),
		RequestID: requestID,
		MaxCalls:  int64(cfg.MaxCalls),
		Explain:   h.Get("Scalegraph-Explain") == "1",
	}
	if c.Token == "" {
		c.Token = cfg.DemoToken
	}
	tokens, ok := projectTokens(h.Values("Scalegraph-Token"))
	if !ok {
		return nil, apierr.New(apierr.BadUserInput, "Scalegraph-Token is not of the form <project id>=<token>.")
	}
	if len(tokens) > maxProjectTokens {
		return nil, apierr.New(apierr.BadUserInput, "Scalegraph-Token names more than %d projects.", maxProjectTokens)
	}
	c.Tokens = tokens
	return c, nil
}

// projectTokens parses `project=token`, of which a header line may have several, separated by commas. It returns nil if there is none, and false if one
// is malformed.
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

// bearer returns the credential of an Authorization header; empty if it has another scheme.
func bearer(authorization string) string {
	scheme, credential, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(credential)
}

// HasDirective reports whether a comma-separated header has an entry. Case does not matter.
func HasDirective(lines []string, directive string) bool {
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(entry), directive) {
				return true
			}
		}
	}
	return false
}
