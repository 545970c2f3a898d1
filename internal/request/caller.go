// Package request holds what one request carries for everything that is done on its behalf: who the caller is, what the
// response costs, and which cached values it depends on. It is a leaf: it imports no other package of the program.
package request

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

var (
	// ErrTooManyCalls means that the caller has used up Caller.MaxCalls.
	ErrTooManyCalls = errors.New("the operation needs too many upstream calls")

	// ErrProjectForbidden means that the configuration does not let the caller read the project.
	ErrProjectForbidden = errors.New("the caller may not read the project")
)

// Caller is what one request brings along for all that is done on its behalf. Only the Tally changes after WithCaller.
type Caller struct {
	Token          string            // the caller's IAM token; empty: none
	Tokens         map[string]string // further tokens, by project
	Bearer         string            // who the caller is, where tokens are not what tells; empty: unknown
	Name           string            // of a caller who proved who they are, harmless to log; empty: nobody asked for a proof
	ProjectsOnly   bool              // to Projects
	Projects       []string          // what a confined caller may read
	NoCache        bool              // read past the caches
	ForceAuthCheck bool              // have the upstream judge the credentials, whatever it said of them a moment ago; with NoCache
	Explain        bool              // the caller wants to read the Tally
	MaxCalls       int64             // bounds Tally.Calls; 0: no bound
	Within         *Caller           // its MaxCalls bounds the calls of this caller as well; nil: none
	RequestID      string            // in every log line on the request's behalf; empty outside of requests
	Tally          Tally
}

// TokenFor returns the token for a project: its own, or the one that serves the rest.
func (c *Caller) TokenFor(project string) string {
	if token, ok := c.Tokens[project]; ok {
		return token
	}
	return c.Token
}

// Clone returns the same caller with nothing counted yet, for what outlives a request or is done over and over.
func (c *Caller) Clone() *Caller {
	return &Caller{
		Token: c.Token, Tokens: c.Tokens, Bearer: c.Bearer, Name: c.Name, ProjectsOnly: c.ProjectsOnly, Projects: c.Projects,
		NoCache: c.NoCache, ForceAuthCheck: c.ForceAuthCheck, Explain: c.Explain, MaxCalls: c.MaxCalls, Within: c.Within, RequestID: c.RequestID,
	}
}

// MayRead reports whether our own configuration lets the caller read a project. What the upstream thinks is another matter.
func (c *Caller) MayRead(project string) bool {
	return !c.ProjectsOnly || slices.Contains(c.Projects, project)
}

// TakeCall counts an HTTP request that is about to be sent upstream. It fails with ErrTooManyCalls, counting nothing, where the
// caller has none left.
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

type callerKey struct{}

// WithCaller attaches c to ctx.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller that WithCaller attached, and one without credentials where there is none. It is never nil.
func CallerFrom(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok {
		return c
	}
	return &Caller{}
}
