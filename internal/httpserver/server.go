// Package httpserver serves HTTP connections: it bounds how long requests may take to arrive, gives each its id, its security headers and its
// line in the access log, and shuts down without failing a request. It knows nothing of GraphQL.
package httpserver

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of connections.
const (
	HeaderTimeout       = 10 * time.Second
	IdleTimeout         = 2 * time.Minute
	DefaultDrainTimeout = 25 * time.Second
	bodyTimeout         = 15 * time.Second
	writeTimeout        = 30 * time.Second // for each write, so that streams may last

	// A caller may send several IAM tokens, and each has a few kilobytes.
	maxHeaderBytes = 256 << 10
)

// Config configures Serve. All fields but DrainDelay and DrainTimeout are required.
type Config struct {
	Handler http.Handler // wrapped by Middleware
	Streams interface {  // responses that do not end by themselves
		Drain(ctx context.Context) error // ends them, and waits until they have ended or ctx has
	}
	OnReady      func(ready bool) // is called before the first request is accepted, and when shutting down begins
	DrainDelay   time.Duration    // how long requests are still served after OnReady(false), so that load balancers can react
	DrainTimeout time.Duration    // how long requests in flight may take after that; 0: DefaultDrainTimeout
	Log          *slog.Logger
}

// Serve serves requests on listener until ctx ends, then shuts down in three steps. For DrainDelay it is not ready but still serves, and each
// response closes its connection. Then it closes the listener and ends the streams. Then it waits for the requests in flight, at most for
// DrainTimeout; it returns an error if some had to be cut off.
func Serve(ctx context.Context, listener net.Listener, cfg Config) error {
	// Requests do not inherit the end of ctx: they may finish.
	base, cancelBase := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelBase()
	handler := &drainingHandler{next: cfg.Handler}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: HeaderTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       withConn,
		ConnState:         removeWriteDeadline,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn),
	}
	cfg.OnReady(true)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(coalescingListener{listener}) }()
	cfg.Log.Info("serving", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	handler.draining.Store(true)
	cfg.OnReady(false)
	cfg.Log.Info("draining", "delay", cfg.DrainDelay)
	select {
	case err := <-failed:
		return err
	case <-time.After(cfg.DrainDelay):
	}
	err := shutdown(base, server, handler, cfg)
	if errors.Is(err, context.DeadlineExceeded) {
		cancelBase()
		err = errors.Join(errors.New("requests in flight were cut off"), server.Close())
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// shutdown closes the listener, ends the streams and waits for all requests. http.Server.Shutdown neither ends streams nor waits for WebSockets.
func shutdown(ctx context.Context, server *http.Server, handler *drainingHandler, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(cfg.DrainTimeout, DefaultDrainTimeout))
	defer cancel()
	streamsDone := make(chan error, 1)
	server.RegisterOnShutdown(func() { streamsDone <- cfg.Streams.Drain(ctx) }) // after the listener is closed: clients come back elsewhere
	server.SetKeepAlivesEnabled(false)
	err := cmp.Or(server.Shutdown(ctx), <-streamsDone)
	if err == nil {
		handler.running.Wait() // a WebSocket that has ended still has to be logged and traced
	}
	return err
}

// drainingHandler counts the requests in progress, including those that have become WebSockets. While draining, it makes the client close its
// connection after the response.
type drainingHandler struct {
	next     http.Handler
	running  sync.WaitGroup
	draining atomic.Bool
}

func (h *drainingHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.running.Add(1)
	defer h.running.Done()
	if h.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	h.next.ServeHTTP(w, r)
}

// removeWriteDeadline is for http.Server.ConnState: the write deadline of a response must not apply to later responses of http.Server
// itself, such as an error for a malformed request.
func removeWriteDeadline(c net.Conn, state http.ConnState) {
	if state == http.StateIdle {
		_ = c.SetWriteDeadline(time.Time{})
	}
}
