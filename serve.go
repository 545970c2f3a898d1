package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"scalegraph/edge"
)

const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second // for each write, so that streams may last
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 25 * time.Second // Kubernetes kills 30 s after it asked

	// A caller may send several IAM tokens, and each has a few kilobytes.
	maxHeaderBytes = 256 << 10
)

// listen takes a socket of plain TCP: a multipath one, Go's default, cannot be made quiet.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var plain net.ListenConfig
	plain.SetMultipathTCP(false)
	return plain.Listen(ctx, "tcp", address)
}

// serve answers on listener until ctx ends. Then it takes no more connections, has streams end, and waits for the requests under
// way, for at most drain; it returns an error where some had to be cut off.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, streams *edge.Streams, state *health, drain time.Duration, log *slog.Logger) error {
	// Requests do not inherit ctx's end: they may finish.
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	fresh := new(newcomers)
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       withConn,
		ConnState: func(conn net.Conn, state http.ConnState) {
			fresh.note(conn, state)
			answered(conn, state)
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(newJoining(listener)) }()
	state.serving.Store(true)
	log.Info("serving", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	state.serving.Store(false)
	log.Info("draining", "atMost", drain)
	if err := quiet(listener); err != nil {
		log.Warn("connections that wait to be accepted may be lost", "error", err)
	}
	fresh.settled(listener)
	bound, cancel := context.WithTimeout(base, drain)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- streams.Drain(bound) }() // Shutdown neither ends streams nor waits for WebSockets
	err := server.Shutdown(bound)
	if err = cmp.Or(err, <-ended); errors.Is(err, context.DeadlineExceeded) {
		cut()
		err = errors.Join(errors.New("requests under way were cut off"), server.Close())
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
