// Package ws serves GraphQL over WebSockets with the protocol graphql-transport-ws.
package ws

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/identity"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/request"
)

const subprotocol = "graphql-transport-ws"

// The close codes of the protocol.
const (
	closeInvalid       websocket.StatusCode = 4400
	closeUnauthorized  websocket.StatusCode = 4401
	closeForbidden     websocket.StatusCode = 4403
	closeNotAcceptable websocket.StatusCode = 4406
	closeInitTimeout   websocket.StatusCode = 4408
	closeDuplicate     websocket.StatusCode = 4409
	closeTooManyInits  websocket.StatusCode = 4429
)

const (
	maxOperations = 100              // in flight on one connection
	writeTimeout  = 20 * time.Second // of one message to a client
	maxMessageID  = 256              // of an operation, in bytes
)

// Config configures connections. All fields but AllowedOrigins, Begin and OnOperationDone must be set.
type Config struct {
	Executor       *execution.Executor
	Streams        *stream.Registry
	Callers        identity.Config
	Authenticator  identity.Authenticator
	AllowedOrigins func(origin string) bool // browser origins besides our own; nil: none
	MaxMessage     int64                    // bytes of a message of a client
	InitTimeout    time.Duration            // until the client sends connection_init
	RequestTimeout time.Duration            // of one operation that is not a subscription
	KeepAlive      time.Duration            // between two pings
	Log            *slog.Logger

	// Begin returns the context of an operation, derived from that of the connection. nil: it is that of the connection.
	Begin func(context.Context) context.Context
	// OnOperationDone is called when an operation has ended, with its context. nil: nothing is called.
	OnOperationDone func(context.Context, *request.Report)
}

// IsUpgrade reports whether a request asks for a WebSocket.
func IsUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && identity.HasDirective(r.Header.Values("Connection"), "upgrade") &&
		strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Serve upgrades a request and serves the connection until it ends. If it returns a Rejection, the caller must write the response. requestID is in all
// log lines of the connection.
func Serve(w http.ResponseWriter, r *http.Request, requestID string, cfg Config) *execution.Rejection {
	if !cfg.originAllowed(r) {
		return execution.Rejectf(http.StatusForbidden, apierr.Forbidden, "This origin may not connect.")
	}
	draining, done, ok := cfg.Streams.Begin()
	if !ok {
		return execution.Rejectf(http.StatusServiceUnavailable, apierr.RateLimited, "The server takes no more streams now; try again later.")
	}
	defer done()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // originAllowed has verified it
	})
	if err != nil {
		return nil // Accept has written the response
	}
	defer func() { _ = conn.CloseNow() }()
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeNotAcceptable, "Subprotocol not acceptable")
		return nil
	}
	conn.SetReadLimit(cfg.MaxMessage)
	newSocket(r, conn, requestID, cfg).serve(draining)
	return nil
}

// originAllowed reports whether a page in a browser may connect: browsers let every page try. Other clients send no Origin.
func (c Config) originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || c.AllowedOrigins != nil && c.AllowedOrigins(origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	// Behind a proxy that replaces Host, the external host is in X-Forwarded-Host. A page cannot set that header on a WebSocket.
	forwarded, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Host"), ",")
	return sameHost(u, r.Host) || sameHost(u, strings.TrimSpace(forwarded))
}

// sameHost reports whether a host header names the host of an origin. The port may be missing in either if it is the default of the scheme.
func sameHost(origin *url.URL, host string) bool {
	port := map[string]string{"http": ":80", "https": ":443"}[origin.Scheme]
	return strings.EqualFold(strings.TrimSuffix(origin.Host, port), strings.TrimSuffix(host, port))
}
