// Package httpserver is what connections meet: it takes them, reads requests with net/http, gives each its id, its bounds and its line in the
// log, gives answers again to requests that come again, and lets what is under way finish when the program stops. It knows nothing of
// GraphQL but what the log tells of it.
package httpserver

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The bounds of connections.
const (
	HeaderTimeout = 10 * time.Second
	IdleTimeout   = 2 * time.Minute
	DrainTimeout  = 25 * time.Second // Kubernetes kills 30 s after it asked
	bodyTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second // for each write, so that streams may last

	// A caller may send several IAM tokens, and each has a few kilobytes.
	maxHeaderBytes = 256 << 10
)

// Config is what is served, and who is told of it.
type Config struct {
	Handler http.Handler // within Middleware
	Streams interface {  // the answers that do not end by themselves
		Drain(ctx context.Context) error // ends them, and waits for their end or ctx's
	}
	Repeats bool          // Repeatable may be called; where it never is, nobody need look for requests that come again
	Serving func(bool)    // is told before requests are taken, and when they no longer are
	Drain   time.Duration // how long requests under way may take to finish; 0: DrainTimeout
	Log     *slog.Logger
}

// Listen takes a socket of plain TCP: a multipath one, Go's default, cannot be made quiet.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var plain net.ListenConfig
	plain.SetMultipathTCP(false)
	return plain.Listen(ctx, "tcp", address)
}

// Serve answers on listener until ctx ends. Then it takes no more connections, has streams end, and waits for the requests under
// way; it returns an error where some had to be cut off.
func Serve(ctx context.Context, listener net.Listener, cfg Config) error {
	// Requests do not inherit ctx's end: they may finish.
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	fresh := new(newcomers)
	var again *repeats
	if cfg.Repeats {
		again = newRepeats(base, cfg.Log)
		defer again.close()
	}
	server := &http.Server{
		Handler:           cfg.Handler,
		ReadHeaderTimeout: HeaderTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       withConn,
		ConnState: func(conn net.Conn, state http.ConnState) {
			fresh.note(conn, state)
			answered(conn, state)
		},
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn),
	}
	cfg.Serving(true) // before the first request is answered: the listener holds those that come already
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(newConns(listener, again)) }()
	cfg.Log.Info("serving", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	cfg.Serving(false)
	drain := cmp.Or(cfg.Drain, DrainTimeout)
	cfg.Log.Info("draining", "atMost", drain)
	if err := quiet(listener); err != nil {
		cfg.Log.Warn("connections that wait to be accepted may be lost", "error", err)
	}
	bound, cancel := context.WithTimeout(base, drain)
	defer cancel()
	if again != nil {
		again.end(drain / 5) // what else is under way has to end, too
	}
	fresh.settled(listener)
	ended := make(chan error, 1)
	go func() { ended <- cfg.Streams.Drain(bound) }() // Shutdown neither ends streams nor waits for WebSockets
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
