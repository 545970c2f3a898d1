package main

import (
	"context"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"scalegraph/upstream/emulator"
)

// listenAndServe serves until ctx ends.
func listenAndServe(ctx context.Context, address string, h http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// serveUpstream is the role of the REST API from which all servers read.
func serveUpstream(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("upstream", flag.ContinueOnError)
	listen := flags.String("listen", "", "address")
	delay := flags.Duration("delay", 0, "of each response")
	if err := flags.Parse(args); err != nil {
		return err
	}
	e := newUpstream()
	if *delay > 0 {
		e.Fault(emulator.Always(emulator.Fault{Delay: *delay}))
	}
	return listenAndServe(ctx, *listen, e)
}

// serveBare is the role of a net/http handler that does nothing but write the files of a folder, which it has in memory.
func serveBare(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bare", flag.ContinueOnError)
	listen := flags.String("listen", "", "address")
	dir := flags.String("dir", "", "folder")
	if err := flags.Parse(args); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(*dir, "*.json"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		length := strconv.Itoa(len(body))
		mux.HandleFunc("/"+filepath.Base(name), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.Header().Set("Content-Length", length)
			_, _ = w.Write(body)
		})
	}
	return listenAndServe(ctx, *listen, mux)
}
