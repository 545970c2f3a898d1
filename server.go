// Command scalegraph serves the activity log of Huawei Cloud AutoScaling as a GraphQL API.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

// The exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // could not start, or could not stop cleanly
	exitConfig = 2 // the configuration is wrong; nothing was started
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := start(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// start reads the configuration, runs until ctx ends, and returns the exit status.
func start(ctx context.Context, args, environ []string, out, logs io.Writer) int {
	cfg, err := readConfig(args, environ, out)
	switch {
	case errors.Is(err, errAnswered):
		return exitDone
	case err != nil:
		fmt.Fprintln(logs, err)
		return exitConfig
	}
	log := newLog(logs, cfg.Log)
	if err := run(ctx, cfg, log, out); err != nil {
		log.Error("stopped", "error", err)
		return exitFailed
	}
	return exitDone
}

// run serves until ctx ends, then lets requests under way finish. What a person at a terminal wants to know goes to out.
func run(ctx context.Context, cfg Config, log *slog.Logger, out io.Writer) error {
	if len(cfg.Unread) > 0 {
		log.Warn("nobody reads these variables", "names", cfg.Unread)
	}
	state := &health{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", state.ready)
	mux.HandleFunc("GET /schema.graphql", schema)
	mux.HandleFunc("GET /{$}", front)

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return err
	}
	if err := greet(out, cfg, listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	return serve(ctx, listener, middleware(mux, log), state)
}
