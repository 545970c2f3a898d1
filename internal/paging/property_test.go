package paging_test

import (
	"flag"
	"testing"

	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagestest"
	"scalegraph/upstream/emulator"
)

var histories = flag.Int("histories", 300, "how many random histories to check")

func TestHistories(t *testing.T) {
	pagestest.Run(t, *histories, func(t testing.TB, e *emulator.Emulator) pagestest.Browser {
		return pagestest.Direct(paging.New(pagestest.Client(t, e)))
	})
}
