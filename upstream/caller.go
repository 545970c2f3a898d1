package upstream

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Caller is what one request brings along for all that is done on its behalf. Only the Tally changes after WithCaller.
type Caller struct {
	Token     string            // the caller's IAM token; empty: none
	Tokens    map[string]string // further tokens, by project
	Bearer    string            // who the caller is, where tokens are not what tells; empty: unknown
	Name      string            // of a caller who proved who they are, harmless to log; empty: nobody asked for a proof
	ProjectsOnly  bool              // to Projects
	Projects  []string          // what a confined caller may read
	NoCache   bool              // read past the caches
	ForceAuthCheck     bool              // have the upstream judge the credentials, whatever it said of them a moment ago; with NoCache
	Explain   bool              // the caller wants to read the Tally
	MaxCalls  int64             // bounds Tally.Calls; 0: no bound
	RequestID string            // in every log line on the request's behalf; empty outside of requests
	Tally     Tally
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
		NoCache: c.NoCache, ForceAuthCheck: c.ForceAuthCheck, Explain: c.Explain, MaxCalls: c.MaxCalls, RequestID: c.RequestID,
	}
}

// MayRead reports whether our own configuration lets the caller read a project. What the upstream thinks is another matter.
func (c *Caller) MayRead(project string) bool {
	return !c.ProjectsOnly || slices.Contains(c.Projects, project)
}

// TakeCall counts an HTTP request that is about to be sent upstream. It fails with ErrTooManyCalls, counting nothing, where the
// caller has none left.
func (c *Caller) TakeCall() error {
	if n := c.Tally.Calls.Add(1); c.MaxCalls > 0 && n > c.MaxCalls {
		c.Tally.Calls.Add(-1)
		return fmt.Errorf("%w: more than %d", ErrTooManyCalls, c.MaxCalls)
	}
	return nil
}

// Tally counts what an answer cost. The zero Tally is ready; its fields may be used by many goroutines.
type Tally struct {
	Calls      atomic.Int64 // HTTP requests sent upstream, retries included
	Rows       atomic.Int64 // rows that they brought
	Bytes      atomic.Int64 // bytes of their bodies, uncompressed
	MemoryHits atomic.Int64 // pages found in memory
	RedisHits  atomic.Int64 // pages found in Redis
	RedisBytes atomic.Int64 // bytes read from Redis
	Coalesced  atomic.Int64 // pages that another caller's fetch brought
	StaleHits  atomic.Int64 // kept pages that stood in for a failing upstream

	freshUntil atomic.Int64 // Unix time in milliseconds; 0: no page has been used
	bases      dependencies        // see RestOn
}

// Add counts what another Tally has counted, for an answer that has parts with tallies of their own.
func (t *Tally) Add(part *Tally) {
	t.Calls.Add(part.Calls.Load())
	t.Rows.Add(part.Rows.Load())
	t.Bytes.Add(part.Bytes.Load())
	t.MemoryHits.Add(part.MemoryHits.Load())
	t.RedisHits.Add(part.RedisHits.Load())
	t.RedisBytes.Add(part.RedisBytes.Load())
	t.Coalesced.Add(part.Coalesced.Load())
	t.StaleHits.Add(part.StaleHits.Load())
}

// LimitFreshness notes that the answer contains a page that is fresh until t; the zero time is one that is not fresh.
func (t *Tally) LimitFreshness(until time.Time) {
	ms := max(until.UnixMilli(), 1)
	for {
		old := t.freshUntil.Load()
		if old != 0 && old <= ms || t.freshUntil.CompareAndSwap(old, ms) {
			return
		}
	}
}

// FreshUntil is the earliest of the times given to UseUntil; false where there was none.
func (t *Tally) FreshUntil() (time.Time, bool) {
	ms := t.freshUntil.Load()
	return time.UnixMilli(ms), ms != 0
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
