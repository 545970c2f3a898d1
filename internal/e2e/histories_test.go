package e2e

import (
	"flag"
	"log/slog"
	"net/http"
	"testing"

	"scalegraph/internal/app"
	"scalegraph/internal/config"
	"scalegraph/internal/paging/pagestest"
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
//	go test ./internal/e2e -run 'TestHistories/plain/histories_0-99' -rapid.failfile=testdata/rapid/...fail
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

// inProcess composes the program without sockets, and without a cache if the test does not want one.
func inProcess(t testing.TB, e *emulator.Emulator, cached bool) http.Handler {
	t.Helper()
	cfg, err := config.Read([]string{"-upstream", "http://emulator.test", "-region", "r", "-project", "p"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	api, err := app.New(cfg, app.Options{Transport: e.Transport(), Uncached: !cached}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	return api.Handler
}
