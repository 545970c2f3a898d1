// Package request holds the state of one GraphQL request that travels in its context: the Caller with its credentials, the Tally
// of the work done for the response, the cached values that the response depends on, and the request id. It imports no other
// package of the program.
package request

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

var (
	// ErrTooManyCalls means that the caller has used up Caller.MaxCalls.
	ErrTooManyCalls = errors.New("the operation needs too many upstream calls")

	// ErrProjectForbidden means that the configuration does not let the caller read the project.
	ErrProjectForbidden = errors.New("the caller may not read the project")
)

// Caller holds the credentials and the limits of one request. After WithCaller it must not be changed, except for the Tally, which is
// safe for concurrent use.
type Caller struct {
	Token          string            // the caller's IAM token; empty: none
	Tokens         map[string]string // further tokens, by project
	Bearer         string            // the bearer credential of the Authorization header; empty: none
	Name           string            // the name of an authenticated caller, safe to log; empty: not authenticated
	ProjectsOnly   bool              // the caller may read only Projects
	Projects       []string          // ignored unless ProjectsOnly
	NoCache        bool              // do not serve from the caches
	ForceAuthCheck bool              // check the credentials at the upstream even if a grant is cached; set together with NoCache
	Explain        bool              // add the Tally to the response
	MaxCalls       int64             // bounds Tally.Calls; 0: no bound
	Within         *Caller           // its MaxCalls bounds the calls of this caller as well; nil: none
	RequestID      string            // in every log line of the request; empty outside of requests
	Tally          Tally
}

// TokenFor returns the IAM token for a project: the one in Tokens, otherwise Token. It is empty if there is neither.
func (c *Caller) TokenFor(project string) string {
	if token, ok := c.Tokens[project]; ok {
		return token
	}
	return c.Token
}

// Identities returns the keys by which shares and budgets of the caller are counted: its authenticated name, otherwise each of its distinct
// tokens, sorted. A caller must stay within the share of every key, so that a token that it invents gives it nothing. There is always at
// least one key; all callers without credentials have the same one.
func (c *Caller) Identities() []string {
	if c.Name != "" {
		return []string{"name " + c.Name}
	}
	tokens := slices.Collect(maps.Values(c.Tokens))
	if c.Token != "" || len(tokens) == 0 {
		tokens = append(tokens, c.Token)
	}
	slices.Sort(tokens)
	tokens = slices.Compact(tokens)
	for i := range tokens {
		tokens[i] = "token " + tokens[i]
	}
	return tokens
}

// Clone returns a copy of c with an empty Tally, for work that outlives the request or repeats, such as a subscription. The maps and
// slices are shared.
func (c *Caller) Clone() *Caller {
	return &Caller{
		Token: c.Token, Tokens: c.Tokens, Bearer: c.Bearer, Name: c.Name, ProjectsOnly: c.ProjectsOnly, Projects: c.Projects,
		NoCache: c.NoCache, ForceAuthCheck: c.ForceAuthCheck, Explain: c.Explain, MaxCalls: c.MaxCalls, Within: c.Within, RequestID: c.RequestID,
	}
}

// MayRead reports whether the server's configuration lets the caller read a project. The upstream may still deny it.
func (c *Caller) MayRead(project string) bool {
	return !c.ProjectsOnly || slices.Contains(c.Projects, project)
}

// TakeCall counts an HTTP request that is about to be sent upstream. If MaxCalls of c or of c.Within is used up, it counts nothing
// in c and returns ErrTooManyCalls.
func (c *Caller) TakeCall() error {
	if c.Within != nil {
		if err := c.Within.TakeCall(); err != nil {
			return err
		}
	}
	if n := c.Tally.Calls.Add(1); c.MaxCalls > 0 && n > c.MaxCalls {
		c.Tally.Calls.Add(-1)
		return fmt.Errorf("%w: more than %d", ErrTooManyCalls, c.MaxCalls)
	}
	return nil
}

// HasSpareCalls reports whether a call may be made that only saves calls of later requests: at most an eighth of MaxCalls is used, of c and of
// c.Within. So a request that needs most of its calls is not rejected for the sake of others.
func (c *Caller) HasSpareCalls() bool {
	if c.Within != nil && !c.Within.HasSpareCalls() {
		return false
	}
	return c.MaxCalls == 0 || 8*c.Tally.Calls.Load() <= c.MaxCalls
}

type callerKey struct{}

// WithCaller attaches c to ctx.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller that WithCaller attached, or a new one without credentials if there is none. It is never nil.
func CallerFrom(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok {
		return c
	}
	return &Caller{}
}
