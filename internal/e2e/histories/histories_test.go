// Package histories tests the whole program with random histories. It has a package of its own, so that its computing runs beside the waiting of the other
// end-to-end tests.
package histories

import (
	"flag"
	"testing"

	"scalegraph/internal/app/apptest"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/upstream/emulator"
)

var (
	histories = flag.Int("histories", 2000, "how many random histories to check without a cache")
	cached    = flag.Int("kept", 1000, "how many random histories to check with a cache")
)

// TestHistories pages through random histories by GraphQL, as a client does, over all parts of the program, with and without a cache. A history that fails
// is shrunk and printed, with the file that contains it; the line "To reproduce" of the output has the flags that run it again:
//
//	go test ./internal/e2e/histories -run 'TestHistories/plain/histories_0-99' -rapid.failfile=testdata/rapid/...fail
//
// -histories and -kept run more of them.
func TestHistories(t *testing.T) {
	for name, n := range map[string]int{"plain": *histories, "cached": *cached} {
		t.Run(name, func(t *testing.T) {
			pagingtest.Run(t, n, func(t testing.TB, e *emulator.Emulator) pagingtest.Browser {
				return pagingtest.GraphQL(apptest.InProcess(t, e, name == "cached"))
			})
		})
	}
}
