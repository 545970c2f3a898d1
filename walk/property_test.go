package walk_test

import (
	"flag"
	"testing"

	"scalegraph/upstream/emulator"
	"scalegraph/walk"
	"scalegraph/walk/pagestest"
)

var histories = flag.Int("histories", 300, "how many random histories to check")

func TestHistories(t *testing.T) {
	pagestest.Run(t, *histories, func(t testing.TB, e *emulator.Emulator) pagestest.Browser {
		return pagestest.Direct(walk.New(pagestest.Client(t, e)))
	})
}
