package app

import (
	"flag"
	"log/slog"
	"net/http"
	"testing"

	"scalegraph/cache"
	"scalegraph/graph"
	"scalegraph/internal/auth"
	"scalegraph/internal/changefeed"
	"scalegraph/internal/config"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagestest"
	"scalegraph/resolvers"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

var (
	histories = flag.Int("histories", 2000, "how many random histories to check without kept pages")
	kept      = flag.Int("kept", 1000, "how many random histories to check with kept pages")
)

// TestHistories walks through random histories by GraphQL, as a client does, over all parts of the program, with and without
// kept pages. A history that fails is shrunk and printed, with the file that holds it; the line "To reproduce" of the output says
// which flags run it again:
//
//	go test . -run 'TestHistories/plain/histories_0-99' -rapid.failfile=testdata/rapid/...fail
//
// -histories and -kept ask for more of them.
func TestHistories(t *testing.T) {
	for name, n := range map[string]int{"plain": *histories, "kept": *kept} {
		t.Run(name, func(t *testing.T) {
			pagestest.Run(t, n, func(t testing.TB, e *emulator.Emulator) pagestest.Browser {
				return pagestest.GraphQL(inProcess(t, e, name == "kept"))
			})
		})
	}
}

// inProcess is the program as run composes it, without sockets, and without kept pages where those are not wanted.
func inProcess(t testing.TB, e *emulator.Emulator, kept bool) http.Handler {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	cfg, err := config.Read([]string{"-upstream", "http://emulator.test", "-region", "r", "-project", "p"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := upstreamConfig(cfg, log)
	asked.Transport = e.Transport()
	client, err := upstream.New(asked)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	var source paging.Source = client
	if kept {
		logs := cache.New(client, cacheConfig(cfg, log))
		t.Cleanup(logs.Close)
		source = logs
	}
	pages := paging.New(auth.RestrictProjects(source))
	schema := graph.NewExecutableSchema(graph.Config{
		Resolvers:  resolvers.New(resolverConfig(cfg, pages, changefeed.New(changefeed.Config{Pages: pages}), nil)),
		Complexity: resolvers.Complexity(),
	})
	return gqlhttp.NewHandler(schema, edgeConfig(cfg, "", new(stream.Registry), log))
}
