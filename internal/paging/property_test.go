package paging_test

import (
	"flag"
	"testing"

	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/upstream/emulator"
)

var histories = flag.Int("histories", 300, "how many random histories to check")

func TestHistories(t *testing.T) {
	pagingtest.Run(t, *histories, func(t testing.TB, e *emulator.Emulator) pagingtest.Browser {
		return pagingtest.Direct(paging.New(pagingtest.Client(t, e)))
	})
}
