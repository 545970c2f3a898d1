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

// What a grant covers.
const (
	ScopeGroup   = "group"
	ScopeProject = "project"
)

// credential stands for what a caller proves its rights with: a hash, never the token itself.
type credential [sha256.Size]byte

// A right says what a credential may be given of what is kept.
type right int

const (
	denied  right = iota // nothing
	lapsed               // kept copies while the upstream fails
	granted              // everything
)

// grants remembers what the upstream said to which credential. The zero time of a verdict is long ago.
type grants struct {
	lifetime time.Duration
	ifError  time.Duration
	scope    string
	secret   []byte
	kept     *otter.Cache[grantKey, verdict]
	unknown  *otter.Cache[grantKey, told] // what credentials were told that there is no such group
	shared   *store                       // nil: this process alone
}

type grantKey struct {
	who  credential
	what viewHash // the project or the group
}

// A claim is a credential's to read a group.
type claim struct {
	who   credential
	group viewHash
	scope viewHash // what a grant of it covers: the group, or its project
}

func (c claim) grant() grantKey   { return grantKey{c.who, c.scope} }
func (c claim) unknown() grantKey { return grantKey{c.who, c.group} }

type verdict struct {
	yes    time.Time // when the last call was sent that the upstream accepted
	no     time.Time // when the last refusal came
	looked time.Time // when the other replicas' verdict was looked up
}

type told struct {
	at  time.Time
	err error
}

const (
	maxGrants  = 1 << 17
	unknownFor = 5 * time.Second // how long a credential is told again that a group does not exist
	localGrant = time.Second     // how long another replica's refusal may go unnoticed
)

func newGrants(cfg Config, shared *store) *grants {
	return &grants{
		lifetime: cfg.Grant, ifError: cfg.GrantIfError, scope: cfg.GrantScope, secret: []byte(cfg.Secret), shared: shared,
		kept:    otter.Must(&otter.Options[grantKey, verdict]{MaximumSize: maxGrants}),
		unknown: otter.Must(&otter.Options[grantKey, told]{MaximumSize: maxGrants}),
	}
}

// credentialOf hashes all that tells one caller from another in a project.
func (g *grants) credentialOf(c *request.Caller, project string) credential {
	var h hash.Hash
	if h = sha256.New(); len(g.secret) > 0 {
		h = hmac.New(sha256.New, g.secret)
	}
	h.Write([]byte(c.TokenFor(project)))
	h.Write([]byte{0}) // in no header
	h.Write([]byte(c.Bearer))
	return credential(h.Sum(nil))
}

// claim returns the caller's to read a group.
func (g *grants) claim(c *request.Caller, group upstream.Group) claim {
	cl := claim{who: g.credentialOf(c, group.Project), group: hashOf(group.Region, group.Project, group.ID)}
	cl.scope = cl.group
	if g.scope == ScopeProject {
		cl.scope = hashOf(group.Region, group.Project)
	}
	return cl
}

func (g *grants) right(v verdict, now time.Time) right {
	switch {
	case v.yes.IsZero() || !v.yes.After(v.no):
		return denied
	case now.Before(v.yes.Add(g.lifetime)):
		return granted
	case now.Before(v.yes.Add(g.ifError)):
		return lapsed
	}
	return denied
}

// learn takes note of what the upstream said to a credential's call that was sent at a time.
func (g *grants) learn(ctx context.Context, c claim, sent time.Time, err error) {
	switch {
	case err == nil:
		g.note(c.grant(), verdict{yes: sent})
	case errors.Is(err, upstream.ErrUnauthenticated), errors.Is(err, upstream.ErrForbidden):
		g.refused(ctx, c.grant())
	case errors.Is(err, upstream.ErrNotFound):
		if g.scope != ScopeProject {
			g.refused(ctx, c.grant())
		}
		key, now := c.unknown(), told{time.Now(), err}
		g.unknown.Set(key, now)
		g.shared.tellUnknown(key, now)
	}
}

// refused ends a grant, here and, before anybody hears of the refusal, for all replicas.
func (g *grants) refused(ctx context.Context, key grantKey) {
	now := time.Now()
	g.note(key, verdict{no: now})
	if g.shared != nil {
		g.shared.setVerdict(ctx, key, verdict{no: now}, g.ifError)
	}
}

// share lets the other replicas know of a yes.
func (g *grants) share(ctx context.Context, key grantKey) {
	if v, ok := g.kept.GetIfPresent(key); ok && g.shared != nil && v.yes.After(v.no) {
		g.shared.setVerdict(ctx, key, verdict{yes: v.yes}, max(g.lifetime, g.ifError))
	}
}

// note adds what is known of a credential to what was.
func (g *grants) note(key grantKey, more verdict) verdict {
	v, _ := g.kept.Compute(key, func(v verdict, _ bool) (verdict, otter.ComputeOp) {
		v.yes, v.no, v.looked = later(v.yes, more.yes), later(v.no, more.no), later(v.looked, more.looked)
		return v, otter.WriteOp
	})
	return v
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// toldUnknown returns what the credential was told a moment ago, here or by another replica, where the group does not exist; else nil.
func (g *grants) toldUnknown(c claim) error {
	t, _ := g.unknown.GetIfPresent(c.unknown())
	if time.Since(t.at) < unknownFor {
		return t.err
	}
	return nil
}

// of returns what a credential may be given now. What other replicas were told is looked up once in a while.
func (g *grants) of(ctx context.Context, key grantKey) right {
	if g.unsure(key) {
		if there, ok := g.shared.verdict(ctx, key); ok {
			g.heard(key, there)
		}
	}
	return g.local(key)
}

// unsure reports whether other replicas may know of a refusal that this one does not know of.
func (g *grants) unsure(key grantKey) bool {
	v, _ := g.kept.GetIfPresent(key)
	return g.shared != nil && time.Since(v.looked) >= localGrant
}

// heard takes note of what other replicas know.
func (g *grants) heard(key grantKey, there verdict) {
	there.looked = time.Now()
	g.note(key, there)
}

// turn looks whether a credential's right has been proven since its caller looked, here or by another replica that is at it now. Else
// the proof is the caller's to make, until it calls end.
func (g *grants) turn(ctx context.Context, c *request.Caller, key grantKey) (end func(), proven bool) {
	proven = !c.ForceAuthCheck && g.local(key) == granted
	if g.shared == nil || c.NoCache || proven {
		return func() {}, proven
	}
	return g.shared.turns(ctx, grantLease(key), func() sought { return sought{grant: &key} }, func(there found) bool {
		if there.answered {
			g.heard(key, there.verdict)
		}
		return g.local(key) == granted
	})
}

// local returns what a credential may be given as far as this process knows.
func (g *grants) local(key grantKey) right {
	v, _ := g.kept.GetIfPresent(key)
	return g.right(v, time.Now())
}

// certain reports whether a credential has the right without looking anywhere: where there are other replicas, their verdict
// must have been looked up a moment ago.
func (g *grants) certain(key grantKey) bool { return g.local(key) == granted && !g.unsure(key) }
