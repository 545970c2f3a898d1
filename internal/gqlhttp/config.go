package gqlhttp

import (
	"context"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/identity"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/gqlhttp/ws"
	"scalegraph/internal/request"
)

// StatusProfile selects the HTTP statuses of request errors.
type StatusProfile string

// The profiles. Audit passes the graphql-http audits and suits the clients in use; Draft follows the newest GraphQL-over-HTTP draft.
const (
	Audit StatusProfile = "audit"
	Draft StatusProfile = "draft"
)

// Config configures a handler. The zero Config is ready to use: it has default limits, and introspection is off.
type Config struct {
	Limits             document.Limits
	RequestTimeout     time.Duration // of one request, from its headers to its response; 0: 30 s
	StatusProfile      StatusProfile // empty: Audit
	CORSOrigins        []string      // allowed browser origins, such as https://console.example; * allows all; empty: none
	RejectCrossSite    bool          // reject requests that pages of other sites make in a browser, unless CORSOrigins allows them
	Introspection      bool          // also switches suggestions in messages
	ResponseCacheBytes int64         // bound of the cache of whole responses; 0: none
	DemoToken          string        // used for requests without X-Auth-Token; empty: none

	// Authenticate verifies the Bearer of a caller and sets its name and projects; an error rejects the request. Every transport calls it once for each
	// set of credentials, before anything is executed, and again for streams. nil: callers are not authenticated.
	Authenticate func(context.Context, *request.Caller) error

	// UpstreamCalls estimates the upstream calls of an operation before it is executed; more than Limits.UpstreamCalls reject it. nil: calls are only
	// counted during execution.
	UpstreamCalls func(*graphql.OperationContext) int

	// Admit is called before an operation is executed. It returns how long the caller must wait first; 0: not at all. nil: no caller waits.
	Admit    func(ctx context.Context, c *request.Caller, cost int) time.Duration
	InFlight int // requests in flight at once, without streams; 0: no bound

	// CostInFlight bounds the sum of the costs of the operations in flight, without subscriptions; one caller has a quarter of it. 0: no bound
	CostInFlight int

	// Begin returns the context of an operation of a WebSocket, derived from that of the connection: other operations are requests, with contexts of their
	// own. nil: it is that of the connection.
	Begin func(context.Context) context.Context

	// OnOperationDone is called for every operation when its response has been written, with the context of the operation. nil: nothing is called.
	OnOperationDone func(context.Context, *request.Report)

	Queries     document.QueryStore // shares automatically persisted queries with other processes; nil: they are in memory only
	Trusted     *document.Trusted   // nil: none
	TrustedOnly bool                // reject all other documents

	// Events is called for every stream of events with the id of the last event that the client has received; empty: none. It returns the context of the
	// operation, and a function that returns, at its first call, the id of the position at which the stream begins, and then that of each event in turn.
	// nil: events have no ids.
	Events         func(ctx context.Context, lastEventID string) (context.Context, func() string)
	Streams        *stream.Registry // counts and ends streams; nil: nothing ends them
	KeepAlive      time.Duration    // between two signs of life in a stream; 0: 10 s
	InitTimeout    time.Duration    // until the first message of a WebSocket; 0: 10 s
	ReauthInterval time.Duration    // between two authentications of the caller of a stream; 0: 45 s

	Log            *slog.Logger               // nil: none
	ErrorPresenter graphql.ErrorPresenterFunc // gives errors their code; nil: an error without a code is INTERNAL
	RecoverFunc    graphql.RecoverFunc        // nil: a panic is logged with its stack and is INTERNAL
	Extensions     []graphql.HandlerExtension // run inside those of package execution
}

func (c Config) execution() execution.Config {
	return execution.Config{
		Documents: document.Config{Limits: c.Limits, Introspection: c.Introspection, Trusted: c.Trusted, TrustedOnly: c.TrustedOnly, Queries: c.Queries},
		InFlight:  c.InFlight, CostInFlight: c.CostInFlight, UpstreamCalls: c.UpstreamCalls, Admit: c.Admit,
		Log: c.Log, ErrorPresenter: c.ErrorPresenter, RecoverFunc: c.RecoverFunc, Extensions: c.Extensions,
	}
}

func (c Config) sockets(executor *execution.Executor) ws.Config {
	return ws.Config{
		Executor: executor, Streams: c.Streams, Callers: c.callers(), Authenticator: c.authenticator(), AllowedOrigins: c.originAllowed,
		MaxMessage: c.Limits.Body, InitTimeout: c.InitTimeout, RequestTimeout: c.RequestTimeout, KeepAlive: c.KeepAlive,
		Log: c.Log, Begin: c.Begin, OnOperationDone: c.OnOperationDone,
	}
}

func (c Config) callers() identity.Config {
	return identity.Config{DemoToken: c.DemoToken, MaxCalls: c.Limits.UpstreamCalls}
}

func (c Config) authenticator() identity.Authenticator {
	return identity.Authenticator{Authenticate: c.Authenticate, Interval: c.ReauthInterval}
}

// withDefaults returns c with the default of each zero field.
func (c Config) withDefaults() Config {
	setDefault(&c.Limits.Body, 256<<10)
	setDefault(&c.Limits.Tokens, 4000)
	setDefault(&c.Limits.Depth, 20)
	setDefault(&c.Limits.Aliases, 100)
	setDefault(&c.Limits.RootFields, 50)
	setDefault(&c.Limits.Directives, 50)
	setDefault(&c.Limits.Cost, 20_000)
	setDefault(&c.Limits.UpstreamCalls, 200)
	setDefault(&c.RequestTimeout, 30*time.Second)
	setDefault(&c.StatusProfile, Audit)
	setDefault(&c.KeepAlive, 10*time.Second)
	setDefault(&c.InitTimeout, 10*time.Second)
	setDefault(&c.ReauthInterval, 45*time.Second)
	setDefault(&c.Streams, &stream.Registry{})
	if c.Events == nil {
		c.Events = func(ctx context.Context, _ string) (context.Context, func() string) {
			return ctx, func() string { return "" }
		}
	}
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
