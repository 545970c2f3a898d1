// Package apptest composes the program for tests in a synctest bubble: without sockets, over an emulator in the same process.
package apptest

import (
	"log/slog"
	"net/http"
	"testing"

	"scalegraph/internal/app"
	"scalegraph/internal/config"
	"scalegraph/upstream/emulator"
)

// InProcess returns the GraphQL handler of the program with default settings, in region r and project p. Without cached, activity logs are read from the
// emulator each time.
func InProcess(t testing.TB, e *emulator.Emulator, cached bool) http.Handler {
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
