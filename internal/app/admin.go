package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"

	"scalegraph/internal/auth"
	"scalegraph/internal/config"
	"scalegraph/internal/httpserver"
)

// serveAdmin answers /metrics and pprof at an address of their own. Where there is none, /metrics joins the rest in mux, and the
// server that it returns does nothing.
func serveAdmin(ctx context.Context, cfg config.Config, mux *http.ServeMux, metrics http.Handler, log *slog.Logger) (*http.Server, error) {
	server := &http.Server{
		ReadHeaderTimeout: httpserver.HeaderTimeout, IdleTimeout: httpserver.IdleTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if cfg.AdminListen == "" {
		mux.Handle("GET /metrics", metrics)
		return server, nil
	}
	admin := http.NewServeMux()
	admin.Handle("GET /metrics", metrics)
	admin.HandleFunc("GET /debug/pprof/", pprof.Index)
	admin.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	admin.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	admin.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	server.Handler = admin
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.AdminListen)
	if err != nil {
		return nil, err
	}
	if at, ok := listener.Addr().(*net.TCPAddr); ok && at.IP.IsLoopback() {
		server.Handler = auth.LoopbackOnly(admin, at) // pages in a browser on this machine must not read profiles
	}
	log.Info("serving metrics and pprof", "address", listener.Addr().String())
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return server, nil
}
