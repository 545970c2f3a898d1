// Package demo is an upstream with invented data for users without an account: an emulator with a dozen groups, whose activity logs, instances
// and policies are simulated from a seed and continue while it runs.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"scalegraph/upstream/emulator"
)

// The project and the token of the demo.
const (
	Project     = "e179f773a6e0f3c09514b7dde2ad0478"
	Token       = "demo-token"
	SampleGroup = "e5d27f5c-dd76-4a61-b4bc-a67c5686719a" // whose response is the documents' sample; it never changes
)

// demoTick is the interval of updates.
const demoTick = 500 * time.Millisecond

// Options configure a demo. The zero value is valid.
type Options struct {
	Seed  uint64           // equal seeds and clocks result in equal data
	Clock func() time.Time // nil: time.Now
}

// Demo is an emulator with the sample group of the documents, a dozen groups with thousands of activities each, and a group without any. New
// activities start in those dozen while it runs. The history of a group is created at the first request for it, which takes some milliseconds,
// so that a demo starts at once.
type Demo struct {
	emulator *emulator.Emulator
	clock    func() time.Time
	states   map[string]*groupState
	groups   []string
	policies map[string]string // the group of each policy; New fills it, and nothing changes it

	fullMu     sync.Mutex
	fullPolicy string    // of FullGroup
	fullNext   time.Time // its next execution

	stop   context.CancelFunc
	server *http.Server
	done   sync.WaitGroup
}

// AddKey accepts requests that are signed with k.
func (d *Demo) AddKey(k emulator.Key) { d.emulator.AddKey(k) }

// New returns a demo, which is an http.Handler. Start serves it.
func New(o Options) *Demo {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	d := &Demo{emulator: emulator.New(emulator.Switches{}), clock: o.Clock, states: map[string]*groupState{}, policies: map[string]string{}}
	d.emulator.RememberRequests(0)
	d.emulator.AddToken(Token, Project)
	d.add(SampleGroup)
	d.emulator.Insert(Project, SampleGroup, emulator.Sample()...)
	d.emulator.Indent(Project, SampleGroup)
	now := o.Clock().UTC().Truncate(time.Second)
	for i, p := range plans() {
		d.add(p.group)
		d.emulator.PutGroup(Project, p.attributes(now.Add(-p.retention)))
		for _, own := range p.policies {
			d.emulator.PutPolicies(Project, own.rule(p.group, now.Add(-p.retention)))
			d.policies[own.id] = p.group
		}
		d.states[p.group] = newGroupState(p, o.Seed+uint64(i), now)
	}
	d.add(EmptyGroup)
	d.emulator.UpdateGroup(Project, SampleGroup, func(g *emulator.Group) { g.Name, g.Max, g.Cooldown = "sample", 10, 300 })
	d.emulator.UpdateGroup(Project, EmptyGroup, func(g *emulator.Group) { g.Name, g.Max, g.Cooldown = "empty", 10, 300 })
	d.addFullGroup(now)
	d.emulator.OnRequest(d.begin)
	return d
}

func (d *Demo) add(group string) {
	d.emulator.AddGroup(Project, group)
	d.groups = append(d.groups, group)
}

// Emulator returns the emulator of the demo. Groups are empty until the first request for them.
func (d *Demo) Emulator() *emulator.Emulator { return d.emulator }

// Groups returns the ids of all groups: the sample first, then the busiest to the quietest, and an empty one.
func (d *Demo) Groups() []string { return append([]string(nil), d.groups...) }

// Name returns the name of a group, which is part of the names of its scaling configuration and its instances.
func (d *Demo) Name(group string) string {
	if l, ok := d.states[group]; ok {
		return l.plan.name()
	}
	if group == SampleGroup {
		return "sample"
	}
	return "empty"
}

// ServeHTTP responds like the emulator, after creating the history of the requested groups.
func (d *Demo) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.emulator.ServeHTTP(w, r) }

// begin creates the history of the group that a request names, be it by one of its policies, or of all groups if it names none.
func (d *Demo) begin(r emulator.Request) {
	if r.Project != Project {
		return
	}
	group := r.Group
	if r.Policy != "" {
		group = d.policies[r.Policy]
	}
	if group == "" && r.Policy == "" { // all histories together take more than a second of CPU
		var all sync.WaitGroup
		for _, l := range d.states {
			all.Go(func() { l.begin(d.emulator, d.clock()) })
		}
		all.Wait()
		return
	}
	if l, ok := d.states[group]; ok {
		l.begin(d.emulator, d.clock())
	}
}

// Transport returns a RoundTripper that calls the demo without a socket.
func (d *Demo) Transport() http.RoundTripper { return d.emulator.Transport() }

// Start listens on a free port of the loopback address, updates the groups until ctx is done or Close is called, and returns the base URL. It
// must be called at most once.
func (d *Demo) Start(ctx context.Context) (url string, err error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("demo upstream: %w", err)
	}
	ctx, d.stop = context.WithCancel(ctx)
	d.server = &http.Server{Handler: d, ReadHeaderTimeout: 10 * time.Second}
	d.done.Go(func() { d.serve(listener) })
	d.done.Go(func() {
		d.Live(ctx)
		_ = d.server.Close() // aborts requests in flight
	})
	return "http://" + listener.Addr().String(), nil
}

// Close stops the demo and waits for its goroutines. It does nothing if the demo is not running.
func (d *Demo) Close() error {
	if d.stop == nil {
		return nil
	}
	d.stop()
	d.done.Wait()
	return nil
}

func (d *Demo) serve(listener net.Listener) {
	if err := d.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		d.stop()
	}
}

// Live updates the groups until ctx is done. Start calls it.
func (d *Demo) Live(ctx context.Context) {
	ticker := time.NewTicker(demoTick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			d.advance()
		case <-ctx.Done():
			return
		}
	}
}

// advance updates the groups that have been requested.
func (d *Demo) advance() {
	d.fireFullGroup(d.clock())
	for _, l := range d.states {
		if l.started() {
			l.update(d.emulator, d.clock())
		}
	}
}
