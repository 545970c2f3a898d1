package main

import (
	"flag"
	"log/slog"
	"net/http"
	"testing"

	"scalegraph/edge"
	"scalegraph/graph"
	"scalegraph/live"
	"scalegraph/resolvers"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
	"scalegraph/walk"
	"scalegraph/walk/pagestest"
)

var histories = flag.Int("histories", 2000, "how many random histories to check")

// TestHistories walks through random histories by GraphQL, as a client does, over all parts of the program. A history that
// fails is shrunk and printed, with the file that holds it; the line "To reproduce" of the output says which flags run it again:
//
//	go test . -run TestHistories -rapid.failfile=testdata/rapid/...fail
//
// -histories asks for more of them.
func TestHistories(t *testing.T) {
	pagestest.Run(t, *histories, func(t testing.TB, e *emulator.Emulator) pagestest.Browser {
		return pagestest.GraphQL(inProcess(t, e))
	})
}

// inProcess is the program as run composes it, without sockets.
func inProcess(t testing.TB, e *emulator.Emulator) http.Handler {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	cfg, err := readConfig([]string{"-upstream", "http://emulator.test", "-region", "r", "-project", "p"}, nil, nil)
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
	pages := walk.New(client)
	schema := graph.NewExecutableSchema(graph.Config{
		Resolvers:  resolvers.New(resolverConfig(cfg, pages, live.New(live.Config{Pages: pages}))),
		Complexity: resolvers.Complexity(),
	})
	return edge.NewHandler(schema, edgeConfig(cfg, "", new(edge.Streams), log))
}
