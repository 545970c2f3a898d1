// Package cache answers reads of activity logs from memory, from Redis, or from its source. It answers as its source does, only
// sooner: a kept answer says when its rows were read, in the coordinates of the log as it is now.
//
// The way of a question: List lays the answer from what is at hand (lay.go), looks in Redis for what it lacks (look.go), and gets
// the rest from the source (get.go), in flights that all who want the same share (flight.go, fetch.go). What was read finds its place in
// the log, counted from the oldest end (track.go), and is kept in blocks (block.go).
//
// What is kept belongs to a group and a filter and is shared by all callers who may read the group. Who may is the upstream's
// to say: see grants.
package cache

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Source lists rows by offset, as the upstream does.
type Source interface {
	List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error)
}

// Config bounds what is kept. A zero duration switches off what it bounds.
type Config struct {
	Fresh        time.Duration // how long what may move is fresh
	Stale        time.Duration // how much longer it is served while it is read anew
	StaleIfError time.Duration // how long after it was read a copy may stand in for a failing upstream
	Grant        time.Duration // how long the upstream's yes lets a credential see what is kept
	GrantScope   string        // what that yes covers: ScopeGroup (default) or ScopeProject
	GrantIfError time.Duration // how long it counts while the upstream fails
	Secret       string        // keys the hash of credentials; empty: they are hashed without a key
	Memory       int64         // bytes of the in-process tier; 0: none
	Timeout      time.Duration // bound of one fetch; default 30 s
	Log          *slog.Logger  // default: nothing is logged
	Tracer       trace.Tracer  // nil: no spans are made

	Redis *redisx.Client // the tier that replicas share, which Close leaves open. nil: none
}

// Logs is a Source that keeps what it read. It is safe for use by many goroutines. Close it when it is no longer needed.
type Logs struct {
	source   Source
	ages     ages
	memory   *memory
	store    *store
	grants   *grants
	finals   *finals
	seen     *seen
	flights  *flights
	rests    *rests
	counters Counters
	spans    spans
	log      *slog.Logger
	placing  [64]sync.Mutex // one of them is held while a reading finds its place in a view
}

// New returns Logs over source.
func New(source Source, cfg Config) *Logs {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Logs{
		source:  source,
		ages:    ages{cfg.Fresh, cfg.Stale, cfg.StaleIfError},
		memory:  newMemory(cfg.Memory),
		finals:  newFinals(),
		flights: newFlights(cfg.Timeout),
		rests:   newRests(),
		spans:   spans{cfg.Tracer},
		log:     cfg.Log,
	}
	l.store = newStore(cfg, &l.counters)
	l.seen = newSeen(l.store)
	l.grants = newGrants(cfg, l.store)
	return l
}

// Close ends all fetches under way and waits for them. A List after it may be answered from what is kept.
func (l *Logs) Close() {
	l.flights.close()
	l.store.close()
}

// maxRounds bounds how often one List fetches what is missing. A log that moves faster than that is
// read as it was asked.
const maxRounds = 2

// List answers as the source does, maybe with more rows than asked for, or with fewer where the walk can go on from them.
// Errors are those of the source.
func (l *Logs) List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	if l.spans.tracer != nil {
		return l.read(ctx, q)
	}
	return l.answer(ctx, l.ask(ctx, q))
}

// answer does the work on one List.
func (l *Logs) answer(ctx context.Context, a *asked) (upstream.Listing, error) {
	if err := l.grants.toldUnknown(a.claim); err != nil && !a.caller.NoCache {
		return upstream.Listing{}, err
	}
	if a.q.Anew {
		return l.direct(ctx, a)
	}
	for round := 0; ; round++ {
		lay := a.lay()
		if l.look(ctx, a, lay) {
			round--
			continue
		}
		if a.unknown != nil {
			return upstream.Listing{}, a.unknown
		}
		if a.right == granted && lay.state <= aging {
			l.behind(ctx, a, lay.renew)
			return l.served(a, lay), nil
		}
		if round == maxRounds || a.foreign || lay.asAsked() {
			return l.direct(ctx, a)
		}
		if err := l.get(ctx, a, lay); err != nil {
			return l.standIn(ctx, a, err)
		}
	}
}

// ask gathers what one List needs to know.
func (l *Logs) ask(ctx context.Context, q upstream.ListQuery) *asked {
	caller := request.CallerFrom(ctx)
	a := &asked{
		q: q, view: newView(q.Group, q.Filter), settled: q.Filter.Settled(),
		claim: l.grants.claim(caller, q.Group), caller: caller, began: time.Now(), ages: l.ages, memory: l.memory,
	}
	if !caller.ForceAuthCheck {
		a.right, a.unsure = l.grants.local(a.claim.grant()), l.grants.unsure(a.claim.grant())
	}
	return a
}

// served counts what an answer is made of.
func (l *Logs) served(a *asked, lay laid) upstream.Listing {
	for _, p := range lay.pieces {
		if !slices.Contains(a.answered, p) && !slices.Contains(a.found, p) {
			a.memoryHits++
		}
	}
	if len(lay.pieces) == 0 && len(a.answered)+len(a.found) == 0 {
		a.memoryHits++
	}
	a.caller.Tally.MemoryHits.Add(int64(a.memoryHits))
	l.counters.memoryHits.Add(int64(a.memoryHits))
	if lay.listing.Stale {
		a.caller.Tally.StaleHits.Add(1)
		l.counters.stale.Add(1)
		lay.until = time.Time{}
	}
	a.caller.Tally.LimitFreshness(lay.until)
	l.restsOn(a, lay)
	return lay.listing
}

// standIn answers from kept copies where the upstream fails, if the caller may see them.
func (l *Logs) standIn(ctx context.Context, a *asked, err error) (upstream.Listing, error) {
	if !failing(err) || a.caller.NoCache || ctx.Err() != nil {
		return upstream.Listing{}, err
	}
	if a.right = l.grants.of(ctx, a.claim.grant()); a.right == denied {
		return upstream.Listing{}, err
	}
	lay := a.lay()
	if lay.state > old {
		return upstream.Listing{}, err
	}
	lay.listing.Stale = true
	return l.served(a, lay), nil
}

// direct passes the question on as it was asked.
func (l *Logs) direct(ctx context.Context, a *asked) (upstream.Listing, error) {
	out, err := l.fetched(ctx, a, a.asIs(), nil)
	if err != nil {
		return l.standIn(ctx, a, err)
	}
	a.caller.Tally.LimitFreshness(time.Time{})
	return out.listing, nil
}
