package upstream

import (
	"context"
	"sync/atomic"
)

// Caller is what one request brings along for all that is done on its behalf. Only the Tally changes after WithCaller.
type Caller struct {
	Token   string            // the caller's IAM token; empty: none
	Tokens  map[string]string // further tokens, by project
	NoCache bool              // read past the caches
	Tally   Tally
}

// TokenFor returns the token for a project: its own, or the one that serves the rest.
func (c *Caller) TokenFor(project string) string {
	if token, ok := c.Tokens[project]; ok {
		return token
	}
	return c.Token
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
