package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"

	"scalegraph/internal/auth"
	"scalegraph/internal/config"
	"scalegraph/internal/httpserver"
)

// serveAdmin serves /metrics and pprof at an address of their own. If none is configured, it adds /metrics to mux, and the server that it
// returns does nothing.
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
	server.Handler = adminGuard(admin, cfg, listener.Addr())
	log.Info("serving metrics and pprof", "address", listener.Addr().String())
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return server, nil
}

// adminGuard rejects requests that a web page in a browser could send to the admin address, so that pages cannot read profiles.
func adminGuard(h http.Handler, cfg config.Config, at net.Addr) http.Handler {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsLoopback() && len(cfg.AdminHosts) == 0 {
		return auth.LoopbackOnly(h, at)
	}
	host, _, _ := net.SplitHostPort(cfg.AdminListen)
	return auth.KnownHosts(h, append([]string{strings.ToLower(host)}, cfg.AdminHosts...))
}
