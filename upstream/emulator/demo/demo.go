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

// What a caller of the demo needs.
const (
	Project     = "e179f773a6e0f3c09514b7dde2ad0478"
	Token       = "demo-token"
	SampleGroup = "e5d27f5c-dd76-4a61-b4bc-a67c5686719a" // whose response is the documents' sample; it never changes
)

// demoTick is how often the demo's groups live on.
const demoTick = 500 * time.Millisecond

// Options shape a demo. The zero value is fine.
type Options struct {
	Seed  uint64           // equal seeds and clocks make equal histories
	Clock func() time.Time // nil: time.Now
}

// Demo is an upstream for those who have none: an emulator with the documents' sample group, a dozen groups with thousands of activities
// each, and a group without any. Those dozen live on while it runs. A group's history is made when it is first asked for, which takes some
// milliseconds, so that a demo starts at once.
type Demo struct {
	emulator *emulator.Emulator
	clock    func() time.Time
	lives    map[string]*life
	groups   []string

	fullMu     sync.Mutex
	fullPolicy string    // of FullGroup
	fullNext   time.Time // when it fires next

	stop   context.CancelFunc
	server *http.Server
	done   sync.WaitGroup
}

// AddKey lets requests that are signed with k in.
func (d *Demo) AddKey(k emulator.Key) { d.emulator.AddKey(k) }

// New returns a demo that does not listen yet; it can be used as an http.Handler, too.
func New(o Options) *Demo {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	d := &Demo{emulator: emulator.New(emulator.Switches{}), clock: o.Clock, lives: map[string]*life{}}
	d.emulator.RememberRequests(0)
	d.emulator.AddToken(Token, Project)
	d.add(SampleGroup)
	d.emulator.Insert(Project, SampleGroup, emulator.Sample()...)
	d.emulator.Indent(Project, SampleGroup)
	now := o.Clock().UTC().Truncate(time.Second)
	for i, p := range plans() {
		d.add(p.group)
		d.emulator.PutGroup(Project, p.attributes(now.Add(-p.keep)))
		for _, own := range p.policies {
			d.emulator.PutPolicies(Project, own.rule(p.group, now.Add(-p.keep)))
		}
		d.lives[p.group] = newLife(p, o.Seed+uint64(i), now)
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

// Emulator returns the emulator behind the demo. Groups that nobody asked for are still empty there.
func (d *Demo) Emulator() *emulator.Emulator { return d.emulator }

// Groups returns the ids of all groups: the sample first, then the busiest to the quietest, and an empty one.
func (d *Demo) Groups() []string { return append([]string(nil), d.groups...) }

// Name returns what people call a group: that by which its scaling configuration and its instances are named.
func (d *Demo) Name(group string) string {
	if l, ok := d.lives[group]; ok {
		return l.plan.name()
	}
	if group == SampleGroup {
		return "sample"
	}
	return "empty"
}

// ServeHTTP answers as the emulator does, with the history of each group that the call is about up to now.
func (d *Demo) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.emulator.ServeHTTP(w, r) }

// begin makes the history of the group that a call names, and of all groups if it names none.
func (d *Demo) begin(r emulator.Request) {
	if r.Project != Project {
		return
	}
	if r.Group == "" { // all histories together take more than a second of CPU
		var all sync.WaitGroup
		for _, l := range d.lives {
			all.Go(func() { l.begin(d.emulator, d.clock()) })
		}
		all.Wait()
		return
	}
	if l, ok := d.lives[r.Group]; ok {
		l.begin(d.emulator, d.clock())
	}
}

// Transport returns a RoundTripper that asks the demo without a socket.
func (d *Demo) Transport() http.RoundTripper { return d.emulator.Transport() }

// Start listens on a free port of the loopback address and lets the groups live on until ctx ends or Close is called. It returns the base
// URL. A demo is started once.
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
		_ = d.server.Close() // cuts off what is under way
	})
	return "http://" + listener.Addr().String(), nil
}

// Close stops the demo and waits until nothing of it runs. Closing one that was not started, or again, does nothing.
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

// Live moves the groups on until ctx ends. Start calls it.
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

// advance moves on the groups that somebody has asked for.
func (d *Demo) advance() {
	d.fireFullGroup(d.clock())
	for _, l := range d.lives {
		if l.begun() {
			l.tell(d.emulator, d.clock())
		}
	}
}
