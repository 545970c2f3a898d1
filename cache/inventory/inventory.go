// Package inventory caches the resources of a project: its groups, their instances and their policies. These lists are short and change
// seldom, so each is read whole, in calls of 100 entries, and cached as one value.
//
// Every value is cached for the credential that read it and for the kind of call. So no right is ever inferred: a credential is served only
// what the upstream has sent to that same credential, for the same call, and lists that differ by caller need no special case.
//
// A read looks in memory, then in Redis, then calls the upstream (read.go). Equal reads of one credential share one call, in this process by
// singleflight and between replicas by a lease (shared.go). A list that moves while it is read is read again (readall.go).
package inventory

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"scalegraph/cache/access"
	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Source makes the calls.
type Source interface {
	ListGroups(context.Context, upstream.Project, upstream.Range) (upstream.Items[upstream.GroupDetails], error)
	ShowGroup(context.Context, upstream.Group) (*upstream.GroupDetails, time.Time, error)
	ListInstances(context.Context, upstream.Group, upstream.Range) (upstream.Items[upstream.GroupInstance], error)
	ListResourcePolicies(context.Context, upstream.Group, upstream.Range) (upstream.Items[upstream.Policy], error)
	ListProjectPolicies(context.Context, upstream.Project, upstream.Range) (upstream.Items[upstream.Policy], error)
	ListExecutions(context.Context, upstream.PolicyRef, upstream.ExecutionFilter, upstream.Range) (upstream.Items[upstream.Execution], error)
}

// Config bounds the cached values. A zero duration switches its feature off.
type Config struct {
	Fresh        time.Duration  // how long a value is served without asking the upstream
	Stale        time.Duration  // how much longer it is served while it is revalidated in the background
	StaleIfError time.Duration  // how long after it was read a value may be served if the upstream fails
	Secret       string         // keys the hash of credentials; empty: they are hashed without a key
	Memory       int64          // bytes of the in-process tier; 0: none
	Timeout      time.Duration  // of one read, all its calls included; default 30 s
	Redis        *redisx.Client // nil: none
}

// Cache serves whole lists. It is safe for concurrent use. Close it when it is no longer needed.
type Cache struct {
	source  Source
	cfg     Config
	memory  *otter.Cache[key, *value] // nil: none
	shared  *shared                   // nil: none
	flights singleflight.Group
	closing context.Context
	stop    context.CancelFunc
	running sync.WaitGroup // reads that are detached from the request that caused them
}

// New returns a Cache over source.
func New(source Source, cfg Config) *Cache {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	c := &Cache{source: source, cfg: cfg, shared: newShared(cfg.Redis)}
	c.closing, c.stop = context.WithCancel(context.Background())
	if cfg.Memory > 0 {
		c.memory = otter.Must(&otter.Options[key, *value]{
			MaximumWeight: uint64(cfg.Memory),
			Weigher:       func(_ key, v *value) uint32 { return v.weight },
		})
	}
	return c
}

// Close ends the reads in flight and waits for them.
func (c *Cache) Close() {
	c.stop()
	c.running.Wait()
}

// Groups returns the groups of a project that the caller may list. Errors are those of the source, and request.ErrProjectForbidden.
func (c *Cache) Groups(ctx context.Context, p upstream.Project) (upstream.Snapshot[upstream.GroupDetails], error) {
	k := c.key(ctx, upstream.CallGroups, upstream.Group{Region: p.Region, Project: p.ID})
	return read(ctx, c, k, func(ctx context.Context) (upstream.Snapshot[upstream.GroupDetails], error) {
		return readAll(ctx, func(ctx context.Context, r upstream.Range) (upstream.Items[upstream.GroupDetails], error) {
			return c.source.ListGroups(ctx, p, r)
		}, func(g *upstream.GroupDetails) string { return g.Group.ID })
	})
}

// Group returns the details of one group as the only entry. An unknown group is upstream.ErrNotFound.
func (c *Cache) Group(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.GroupDetails], error) {
	return read(ctx, c, c.key(ctx, upstream.CallGroup, g), func(ctx context.Context) (upstream.Snapshot[upstream.GroupDetails], error) {
		details, at, err := c.source.ShowGroup(ctx, g)
		return upstream.Snapshot[upstream.GroupDetails]{Entries: []*upstream.GroupDetails{details}, AsOf: at}, err
	})
}

// Instances returns the instances of a group. An unknown group is upstream.ErrNotFound.
func (c *Cache) Instances(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.GroupInstance], error) {
	return read(ctx, c, c.key(ctx, upstream.CallInstances, g), func(ctx context.Context) (upstream.Snapshot[upstream.GroupInstance], error) {
		return readAll(ctx, func(ctx context.Context, r upstream.Range) (upstream.Items[upstream.GroupInstance], error) {
			return c.source.ListInstances(ctx, g, r)
		}, identity)
	})
}

// GroupPolicies returns the policies of a group, by the V2 call, so that they have the same attributes as in ProjectPolicies. An unknown group is upstream.ErrNotFound.
func (c *Cache) GroupPolicies(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.Policy], error) {
	return read(ctx, c, c.key(ctx, upstream.CallGroupPolicies, g), func(ctx context.Context) (upstream.Snapshot[upstream.Policy], error) {
		return readAll(ctx, func(ctx context.Context, r upstream.Range) (upstream.Items[upstream.Policy], error) {
			return c.source.ListResourcePolicies(ctx, g, r)
		}, policyID)
	})
}

// ProjectPolicies returns the policies of a project that the caller may list, those of bandwidths among them.
func (c *Cache) ProjectPolicies(ctx context.Context, p upstream.Project) (upstream.Snapshot[upstream.Policy], error) {
	k := c.key(ctx, upstream.CallProjectPolicies, upstream.Group{Region: p.Region, Project: p.ID})
	return read(ctx, c, k, func(ctx context.Context) (upstream.Snapshot[upstream.Policy], error) {
		return readAll(ctx, func(ctx context.Context, r upstream.Range) (upstream.Items[upstream.Policy], error) {
			return c.source.ListProjectPolicies(ctx, p, r)
		}, policyID)
	})
}

func policyID(p *upstream.Policy) string { return p.Ref.ID }

// identity returns a key of an instance. Instances that are being created have no id yet; their name and time identify them.
func identity(i *upstream.GroupInstance) string {
	if i.InstanceID != nil {
		return *i.InstanceID
	}
	id := "joining"
	if i.InstanceName != nil {
		id += " " + *i.InstanceName
	}
	if i.JoinedAt != nil {
		id += fmt.Sprint(" ", i.JoinedAt.Unix())
	}
	return id
}

// key identifies a cached value by the call, its subject and the caller.
type key struct {
	kind       upstream.CallKind
	group      upstream.Group // without an ID for resources of a whole project
	part       string         // of the list; empty for all of it
	credential access.Credential
}

func (c *Cache) key(ctx context.Context, kind upstream.CallKind, g upstream.Group) key {
	return key{kind: kind, group: g, credential: access.NewCredential(c.cfg.Secret, request.CallerFrom(ctx), g.Project)}
}

// text returns the key under which a value is stored in Redis. It contains no token, project or id in clear.
func (k key) text() string {
	h := sha256.New()
	for _, part := range []string{string(k.kind), k.group.Region, k.group.Project, k.group.ID, k.part, string(k.credential[:])} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return fmt.Sprintf("sg1:i:%x", h.Sum(nil))
}
