// Package emulatortest serves an emulator to a test.
package emulatortest

import (
	"net/http/httptest"
	"testing"

	"scalegraph/upstream/emulator"
)

// Serve serves e on a free port of the loopback address until the test ends, and returns its base URL. Requests in flight are aborted then.
func Serve(t testing.TB, e *emulator.Emulator) (url string) {
	t.Helper()
	server := httptest.NewServer(e)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
