package gqlhttp

import (
	"context"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/request"
)

// StatusProfile says which HTTP statuses request errors have.
type StatusProfile string

// The profiles. Audit is what the graphql-http audits want and what clients in use expect; Draft is the newest
// GraphQL-over-HTTP draft.
const (
	Audit StatusProfile = "audit"
	Draft StatusProfile = "draft"
)

// Config is what an operator and the program can set. The zero Config is ready: default limits, introspection off.
type Config struct {
	Limits             document.Limits
	RequestTimeout     time.Duration // one request, from its headers to its answer; 0: 30 s
	StatusProfile      StatusProfile // empty: Audit
	CORSOrigins        []string      // allowed browser origins, such as https://console.example; * allows all; empty: none
	Introspection      bool          // also switches suggestions in messages
	ResponseCacheBytes int64         // bound of the cache of whole responses; 0: none
	DemoToken          string        // stands for a missing X-Auth-Token; empty: nothing does

	// Authenticate proves who a caller is by its Bearer and notes that in it; an error refuses the caller. Every transport asks it once for
	// each set of credentials, before anything is executed. nil: callers prove nothing to us.
	Authenticate func(context.Context, *request.Caller) error

	// Admit is asked before an operation is executed, and returns how long its caller must wait first; 0: not at all. nil: nobody waits.
	Admit    func(ctx context.Context, c *request.Caller, cost int) time.Duration
	InFlight int // requests in flight at once, but for streams; 0: no bound

	// CostInFlight bounds the sum of the costs of the operations in flight, but for subscriptions; one caller has a quarter of it. 0: no bound
	CostInFlight int

	// Begin gives the context of each operation of a WebSocket, made from that of the connection: other operations are requests of their own,
	// with contexts of their own. nil: it is the connection's.
	Begin func(context.Context) context.Context

	// OnOperationDone is called for every operation when its response has been written, with the context of the operation. nil: nothing is.
	OnOperationDone func(context.Context, *request.Report)

	Queries     document.QueryStore // shares automatically persisted queries with other processes; nil: they are kept in memory alone
	Trusted     *document.Trusted   // nil: none
	TrustedOnly bool                // run no other documents

	// Events is asked for every stream of events: it takes the id of the last event that the client has (empty: none), and gives
	// the context to run the operation in and a function that returns, when it is called first, the id of where the stream
	// begins, and then that of each event in turn. nil: events have no ids.
	Events    func(ctx context.Context, last string) (context.Context, func() string)
	Streams   *stream.Registry // counts and ends streams; nil: nobody ends them
	KeepAlive time.Duration    // between signs of life in a stream; 0: 10 s
	Introduce time.Duration    // for a WebSocket's first message; 0: 10 s
	Recognise time.Duration    // between two proofs of who the caller of a stream is, where callers must prove it; 0: 45 s

	Log            *slog.Logger               // nil: none
	ErrorPresenter graphql.ErrorPresenterFunc // gives errors their code; nil: what has no code is INTERNAL
	RecoverFunc    graphql.RecoverFunc        // nil: a panic is logged with its stack and is INTERNAL
	Extensions     []graphql.HandlerExtension // run inside those of this package
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	fill(&c.Limits.Body, 256<<10)
	fill(&c.Limits.Tokens, 4000)
	fill(&c.Limits.Depth, 20)
	fill(&c.Limits.Aliases, 100)
	fill(&c.Limits.RootFields, 50)
	fill(&c.Limits.Directives, 50)
	fill(&c.Limits.Cost, 20_000)
	fill(&c.Limits.UpstreamCalls, 200)
	fill(&c.RequestTimeout, 30*time.Second)
	fill(&c.StatusProfile, Audit)
	fill(&c.KeepAlive, 10*time.Second)
	fill(&c.Introduce, 10*time.Second)
	fill(&c.Recognise, 45*time.Second)
	fill(&c.Streams, &stream.Registry{})
	if c.Events == nil {
		c.Events = func(ctx context.Context, _ string) (context.Context, func() string) {
			return ctx, func() string { return "" }
		}
	}
	if c.Begin == nil {
		c.Begin = func(ctx context.Context) context.Context { return ctx }
	}
	fill(&c.Log, slog.New(slog.DiscardHandler))
	return c
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
