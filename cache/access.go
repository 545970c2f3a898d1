package cache

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// What an accepted call grants access to.
const (
	ScopeGroup   = "group"
	ScopeProject = "project"
)

// credential is a hash of the caller's authentication, never the token itself.
type credential [sha256.Size]byte

// accessLevel is the use of the cache that a credential is permitted.
type accessLevel int

const (
	accessDenied    accessLevel = iota // nothing
	accessStaleOnly                    // cached rows, only if the upstream fails
	accessGranted                      // everything
)

// grants caches which credentials the upstream accepted and rejected. It is safe for concurrent use.
type grants struct {
	lifetime     time.Duration
	staleIfError time.Duration
	scope        string
	secret       []byte
	decisions    *otter.Cache[accessKey, decision]
	notFound     *otter.Cache[accessKey, notFoundEntry] // groups that do not exist, by the credential that the upstream told so
	shared       accessStore                            // nil if there is no Redis
}

type accessKey struct {
	credential credential
	scope      keyHash // the project or the group
}

// accessRequest is the access of one credential to one group.
type accessRequest struct {
	credential credential
	group      keyHash
	scope      keyHash // of the granted access: the group, or its project
}

func (req accessRequest) scopeKey() accessKey { return accessKey{req.credential, req.scope} }
func (req accessRequest) groupKey() accessKey { return accessKey{req.credential, req.group} }

type decision struct {
	acceptedAt time.Time // when the last call was sent that the upstream accepted; zero if there was none
	refusedAt  time.Time // when the last rejection was received; zero if there was none
	checkedAt  time.Time // when the decision was last loaded from Redis
}

type notFoundEntry struct {
	at  time.Time
	err error
}

const (
	maxGrants       = 1 << 17
	notFoundTTL     = 5 * time.Second // how long a response that a group does not exist is cached
	recheckInterval = time.Second     // how long a rejection by another replica may go unnoticed
)

// grantsConfig configures grants.
type grantsConfig struct {
	lifetime     time.Duration // how long after an accepted call a credential has access without another one
	staleIfError time.Duration // how long it has access to stale rows if the upstream fails
	scope        string        // what an accepted call grants access to; if empty, ScopeGroup
	secret       string        // keys the hash of credentials; if empty, they are hashed without a key
	shared       accessStore   // nil if there is no Redis
}

// accessStore shares decisions between replicas. Its methods never fail: a decision that cannot be read or written is unknown.
type accessStore interface {
	// loadDecision returns the newest decision about a credential, recorded by any replica, and false if it cannot be read.
	loadDecision(ctx context.Context, k accessKey) (decision, bool)
	// storeDecision stores a decision that expires after life.
	storeDecision(ctx context.Context, k accessKey, d decision, life time.Duration)
	// publishNotFound stores in the background that a group does not exist for a credential.
	publishNotFound(k accessKey, entry notFoundEntry)
	// waitForDecision waits, for a limited time, while another replica calls the upstream for the same access. It passes each decision
	// that it loads to accept, and false if it could not load one. Ok is the result of the last accept; if it is false, the caller makes
	// the call. End must be called afterwards in any case.
	waitForDecision(ctx context.Context, k accessKey, accept func(decision, bool) bool) (end func(), ok bool)
}

func newGrants(cfg grantsConfig) *grants {
	return &grants{
		lifetime: cfg.lifetime, staleIfError: cfg.staleIfError, scope: cfg.scope, secret: []byte(cfg.secret), shared: cfg.shared,
		decisions: otter.Must(&otter.Options[accessKey, decision]{MaximumSize: maxGrants}),
		notFound:  otter.Must(&otter.Options[accessKey, notFoundEntry]{MaximumSize: maxGrants}),
	}
}

// credentialOf returns the hash of all that authenticates the caller in a project.
func (g *grants) credentialOf(c *request.Caller, project string) credential {
	var h hash.Hash
	if h = sha256.New(); len(g.secret) > 0 {
		h = hmac.New(sha256.New, g.secret)
	}
	h.Write([]byte(c.TokenFor(project)))
	h.Write([]byte{0}) // cannot be part of a header
	h.Write([]byte(c.Bearer))
	return credential(h.Sum(nil))
}

// signer returns the hash of what the upstream throttles in a project: the caller's token, or the server's own keys if it has none.
func (g *grants) signer(c *request.Caller, project string) credential {
	return g.credentialOf(&request.Caller{Token: c.TokenFor(project)}, project)
}

// newRequest returns the caller's access request for a group.
func (g *grants) newRequest(c *request.Caller, group upstream.Group) accessRequest {
	req := accessRequest{credential: g.credentialOf(c, group.Project), group: hashKey(group.Region, group.Project, group.ID)}
	req.scope = req.group
	if g.scope == ScopeProject {
		req.scope = hashKey(group.Region, group.Project)
	}
	return req
}

func (g *grants) evaluate(d decision, now time.Time) accessLevel {
	switch {
	case d.acceptedAt.IsZero() || !d.acceptedAt.After(d.refusedAt):
		return accessDenied
	case now.Before(d.acceptedAt.Add(g.lifetime)):
		return accessGranted
	case now.Before(d.acceptedAt.Add(g.staleIfError)):
		return accessStaleOnly
	}
	return accessDenied
}

// record caches the upstream's decision about a call of a credential. Sent is when the call was sent, err its result.
func (g *grants) record(ctx context.Context, req accessRequest, sent time.Time, err error) {
	switch {
	case err == nil:
		g.merge(req.scopeKey(), decision{acceptedAt: sent})
	case errors.Is(err, upstream.ErrUnauthenticated), errors.Is(err, upstream.ErrForbidden):
		g.revoke(ctx, req.scopeKey())
	case errors.Is(err, upstream.ErrNotFound):
		if g.scope != ScopeProject {
			g.revoke(ctx, req.scopeKey())
		}
		entry := notFoundEntry{time.Now(), err}
		g.recordNotFound(req, entry)
		if g.shared != nil {
			g.shared.publishNotFound(req.groupKey(), entry)
		}
	}
}

// revoke ends the access, in this process and in Redis, before the rejection is returned to the caller.
func (g *grants) revoke(ctx context.Context, key accessKey) {
	now := time.Now()
	g.merge(key, decision{refusedAt: now})
	if g.shared != nil {
		g.shared.storeDecision(ctx, key, decision{refusedAt: now}, g.staleIfError)
	}
}

// publish stores an acceptance in Redis for the other replicas.
func (g *grants) publish(ctx context.Context, key accessKey) {
	if d, ok := g.decisions.GetIfPresent(key); ok && g.shared != nil && d.acceptedAt.After(d.refusedAt) {
		g.shared.storeDecision(ctx, key, decision{acceptedAt: d.acceptedAt}, max(g.lifetime, g.staleIfError))
	}
}

// merge adds a newer decision to the cached one and returns the result.
func (g *grants) merge(key accessKey, update decision) decision {
	d, _ := g.decisions.Compute(key, func(d decision, _ bool) (decision, otter.ComputeOp) {
		d.acceptedAt, d.refusedAt, d.checkedAt = later(d.acceptedAt, update.acceptedAt), later(d.refusedAt, update.refusedAt), later(d.checkedAt, update.checkedAt)
		return d, otter.WriteOp
	})
	return d
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// recordNotFound caches that a group does not exist for a credential.
func (g *grants) recordNotFound(req accessRequest, entry notFoundEntry) {
	g.notFound.Set(req.groupKey(), entry)
}

// cachedNotFound returns the cached error if the upstream responded within notFoundTTL that the group does not exist; otherwise nil.
func (g *grants) cachedNotFound(req accessRequest) error {
	entry, _ := g.notFound.GetIfPresent(req.groupKey())
	if time.Since(entry.at) < notFoundTTL {
		return entry.err
	}
	return nil
}

// access returns the current level of a credential. It loads the decision from Redis if the local one may be outdated.
func (g *grants) access(ctx context.Context, key accessKey) accessLevel {
	if g.needsCheck(key) {
		if remote, ok := g.shared.loadDecision(ctx, key); ok {
			g.mergeRemote(key, remote)
		}
	}
	return g.localAccess(key)
}

// needsCheck reports whether another replica may have recorded a rejection that is unknown here.
func (g *grants) needsCheck(key accessKey) bool {
	d, _ := g.decisions.GetIfPresent(key)
	return g.shared != nil && time.Since(d.checkedAt) >= recheckInterval
}

// mergeRemote adds a decision that was loaded from Redis.
func (g *grants) mergeRemote(key accessKey, remote decision) {
	remote.checkedAt = time.Now()
	g.merge(key, remote)
}

// acquireLease waits, for a limited time, while another replica calls the upstream for the same access. Proven reports whether the
// access was granted in the meantime; otherwise the caller makes the call itself. End must be called afterwards in either case.
func (g *grants) acquireLease(ctx context.Context, c *request.Caller, key accessKey) (end func(), proven bool) {
	proven = !c.ForceAuthCheck && g.localAccess(key) == accessGranted
	if g.shared == nil || c.NoCache || proven {
		return func() {}, proven
	}
	return g.shared.waitForDecision(ctx, key, func(remote decision, ok bool) bool {
		if ok {
			g.mergeRemote(key, remote)
		}
		return g.localAccess(key) == accessGranted
	})
}

// localAccess returns the level of a credential according to this process alone.
func (g *grants) localAccess(key accessKey) accessLevel {
	d, _ := g.decisions.GetIfPresent(key)
	return g.evaluate(d, time.Now())
}

// confirmed reports whether a credential has access without any lookup. If there is a Redis, its decision must have been loaded within
// recheckInterval.
func (g *grants) confirmed(key accessKey) bool {
	return g.localAccess(key) == accessGranted && !g.needsCheck(key)
}
