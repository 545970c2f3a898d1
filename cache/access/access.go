// Package access caches which credentials the upstream accepted and rejected. Cached rows are shared by all callers; a credential is served
// them only if the upstream itself has accepted it for their group recently (Grants.Level). Decisions are shared by replicas through a Store.
// Tokens are never stored, only their hashes.
package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/cache/cachekey"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// The scopes of a grant: the group of the accepted call, or its whole project.
const (
	ScopeGroup   = "group"
	ScopeProject = "project"
)

// Credential is a hash of the caller's authentication, never the token itself.
type Credential [sha256.Size]byte

// NewCredential returns the hash of all that authenticates the caller in a project. It is keyed by the secret, if that is not empty.
func NewCredential(secret string, c *request.Caller, project string) Credential {
	var h hash.Hash
	if h = sha256.New(); secret != "" {
		h = hmac.New(sha256.New, []byte(secret))
	}
	h.Write([]byte(c.TokenFor(project)))
	h.Write([]byte{0}) // cannot be part of a header
	h.Write([]byte(c.Bearer))
	return Credential(h.Sum(nil))
}

// Level is the use of the cache that a credential is permitted.
type Level int

// The levels.
const (
	Denied    Level = iota // nothing
	StaleOnly              // cached rows, only if the upstream fails
	Granted                // everything
)

// Grants caches which credentials the upstream accepted and rejected. It is safe for concurrent use.
type Grants struct {
	lifetime     time.Duration
	staleIfError time.Duration
	scope        string
	secret       string
	decisions    *otter.Cache[Key, Decision]
	notFound     *otter.Cache[Key, NotFound] // groups that do not exist, by credential
	shared       Store                       // nil if there is no Redis
}

// Key identifies the subject of a decision: one credential, and a group or a project.
type Key struct {
	Credential Credential
	Scope      cachekey.Hash // the project or the group
}

// Request is the access of one credential to one group.
type Request struct {
	Credential Credential
	Group      cachekey.Hash
	Scope      cachekey.Hash // of the granted access: the group, or its project
}

// ScopeKey returns the key of the decision about the request.
func (req Request) ScopeKey() Key { return Key{req.Credential, req.Scope} }

// GroupKey returns the key of the fact that the group does not exist.
func (req Request) GroupKey() Key { return Key{req.Credential, req.Group} }

// Decision holds the latest acceptance and the latest rejection of a credential by the upstream. An acceptance counts only if it is later
// than the last rejection.
type Decision struct {
	AcceptedAt time.Time // when the last call was sent that the upstream accepted; zero if there was none
	RefusedAt  time.Time // when the last rejection was received; zero if there was none
	checkedAt  time.Time // when the decision was last loaded from Redis
}

// NotFound is a response that a group does not exist.
type NotFound struct {
	At  time.Time
	Err error
}

// NotFoundTTL is how long a response that a group does not exist is cached.
const NotFoundTTL = 5 * time.Second

const (
	maxGrants       = 1 << 17
	recheckInterval = time.Second // how long a rejection by another replica may go unnoticed
)

// Config configures grants.
type Config struct {
	Lifetime     time.Duration // how long after an accepted call a credential has access without another one
	StaleIfError time.Duration // how long it has access to stale rows if the upstream fails
	Scope        string        // ScopeGroup or ScopeProject; if empty, ScopeGroup
	Secret       string        // keys the hash of credentials; if empty, they are hashed without a key
	Shared       Store         // nil if there is no Redis
}

// Store shares decisions between replicas. Its methods never fail: a decision that cannot be read or written is unknown.
type Store interface {
	// LoadDecision returns the newest decision about a credential, recorded by any replica, and false if it cannot be read.
	LoadDecision(ctx context.Context, k Key) (Decision, bool)
	// StoreDecision stores a decision that expires after life.
	StoreDecision(ctx context.Context, k Key, d Decision, life time.Duration)
	// PublishNotFound stores in the background that a group does not exist for a credential.
	PublishNotFound(k Key, entry NotFound)
	// WaitForDecision waits, for a limited time, while another replica calls the upstream for the same access. It passes each decision
	// that it loads to accept, and false if it could not load one. Ok is the result of the last accept; if it is false, the caller makes
	// the call. End must be called afterwards in any case.
	WaitForDecision(ctx context.Context, k Key, accept func(Decision, bool) bool) (end func(), ok bool)
}

// New returns Grants without any decision.
func New(cfg Config) *Grants {
	return &Grants{
		lifetime: cfg.Lifetime, staleIfError: cfg.StaleIfError, scope: cfg.Scope, secret: cfg.Secret, shared: cfg.Shared,
		decisions: otter.Must(&otter.Options[Key, Decision]{MaximumSize: maxGrants}),
		notFound:  otter.Must(&otter.Options[Key, NotFound]{MaximumSize: maxGrants}),
	}
}

func (g *Grants) credentialOf(c *request.Caller, project string) Credential {
	return NewCredential(g.secret, c, project)
}

// Signer returns the hash of the credential that the upstream throttles in a project: the caller's token, or the server's own keys if the
// caller has no token.
func (g *Grants) Signer(c *request.Caller, project string) Credential {
	return g.credentialOf(&request.Caller{Token: c.TokenFor(project)}, project)
}

// NewRequest returns the caller's access request for a group.
func (g *Grants) NewRequest(c *request.Caller, group upstream.Group) Request {
	req := Request{Credential: g.credentialOf(c, group.Project), Group: cachekey.Of(group.Region, group.Project, group.ID)}
	req.Scope = req.Group
	if g.scope == ScopeProject {
		req.Scope = cachekey.Of(group.Region, group.Project)
	}
	return req
}

func (g *Grants) evaluate(d Decision, now time.Time) Level {
	switch {
	case d.AcceptedAt.IsZero() || !d.AcceptedAt.After(d.RefusedAt):
		return Denied
	case now.Before(d.AcceptedAt.Add(g.lifetime)):
		return Granted
	case now.Before(d.AcceptedAt.Add(g.staleIfError)):
		return StaleOnly
	}
	return Denied
}

// Record caches the upstream's decision about a call of a credential. Sent is when the call was sent, err its result.
func (g *Grants) Record(ctx context.Context, req Request, sent time.Time, err error) {
	switch {
	case err == nil:
		g.merge(req.ScopeKey(), Decision{AcceptedAt: sent})
	case errors.Is(err, upstream.ErrUnauthenticated), errors.Is(err, upstream.ErrForbidden):
		g.revoke(ctx, req.ScopeKey())
	case errors.Is(err, upstream.ErrNotFound):
		if g.scope != ScopeProject {
			g.revoke(ctx, req.ScopeKey())
		}
		entry := NotFound{time.Now(), err}
		g.RecordNotFound(req, entry)
		if g.shared != nil {
			g.shared.PublishNotFound(req.GroupKey(), entry)
		}
	}
}

// revoke ends the access, in this process and in Redis, before the rejection is returned to the caller.
func (g *Grants) revoke(ctx context.Context, key Key) {
	now := time.Now()
	g.merge(key, Decision{RefusedAt: now})
	if g.shared != nil {
		g.shared.StoreDecision(ctx, key, Decision{RefusedAt: now}, g.staleIfError)
	}
}

// Publish stores an acceptance in Redis for the other replicas.
func (g *Grants) Publish(ctx context.Context, key Key) {
	if d, ok := g.decisions.GetIfPresent(key); ok && g.shared != nil && d.AcceptedAt.After(d.RefusedAt) {
		g.shared.StoreDecision(ctx, key, Decision{AcceptedAt: d.AcceptedAt}, max(g.lifetime, g.staleIfError))
	}
}

// merge adds a newer decision to the cached one and returns the result.
func (g *Grants) merge(key Key, update Decision) Decision {
	d, _ := g.decisions.Compute(key, func(d Decision, _ bool) (Decision, otter.ComputeOp) {
		d.AcceptedAt, d.RefusedAt, d.checkedAt = later(d.AcceptedAt, update.AcceptedAt), later(d.RefusedAt, update.RefusedAt), later(d.checkedAt, update.checkedAt)
		return d, otter.WriteOp
	})
	return d
}

// later returns the later one of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// RecordNotFound caches that a group does not exist for a credential.
func (g *Grants) RecordNotFound(req Request, entry NotFound) {
	g.notFound.Set(req.GroupKey(), entry)
}

// CachedNotFound returns the cached error if the upstream responded within notFoundTTL that the group does not exist; otherwise nil.
func (g *Grants) CachedNotFound(req Request) error {
	entry, _ := g.notFound.GetIfPresent(req.GroupKey())
	if time.Since(entry.At) < NotFoundTTL {
		return entry.Err
	}
	return nil
}

// Level returns the current level of a credential. It loads the decision from Redis if the local one may be outdated.
func (g *Grants) Level(ctx context.Context, key Key) Level {
	if g.NeedsCheck(key) {
		if remote, ok := g.shared.LoadDecision(ctx, key); ok {
			g.MergeRemote(key, remote)
		}
	}
	return g.LocalLevel(key)
}

// NeedsCheck reports whether another replica may have recorded a rejection that is unknown here.
func (g *Grants) NeedsCheck(key Key) bool {
	d, _ := g.decisions.GetIfPresent(key)
	return g.shared != nil && time.Since(d.checkedAt) >= recheckInterval
}

// MergeRemote adds a decision that was loaded from Redis.
func (g *Grants) MergeRemote(key Key, remote Decision) {
	remote.checkedAt = time.Now()
	g.merge(key, remote)
}

// AcquireLease waits, for a limited time, while another replica calls the upstream for the same access. Proven reports whether the
// access was granted in the meantime; otherwise the caller makes the call itself. End must be called afterwards in either case.
func (g *Grants) AcquireLease(ctx context.Context, c *request.Caller, key Key) (end func(), proven bool) {
	proven = !c.ForceAuthCheck && g.LocalLevel(key) == Granted
	if g.shared == nil || c.NoCache || proven {
		return func() {}, proven
	}
	return g.shared.WaitForDecision(ctx, key, func(remote Decision, ok bool) bool {
		if ok {
			g.MergeRemote(key, remote)
		}
		return g.LocalLevel(key) == Granted
	})
}

// LocalLevel returns the level of a credential according to this process alone.
func (g *Grants) LocalLevel(key Key) Level {
	d, _ := g.decisions.GetIfPresent(key)
	return g.evaluate(d, time.Now())
}

// Confirmed reports whether a credential has access without any lookup. If there is a Redis, its decision must have been loaded within
// recheckInterval.
func (g *Grants) Confirmed(key Key) bool {
	return g.LocalLevel(key) == Granted && !g.NeedsCheck(key)
}
