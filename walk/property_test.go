package walk_test

import (
	"flag"
	"testing"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
	"scalegraph/walk"
	"scalegraph/walk/pagestest"
)

var histories = flag.Int("histories", 300, "how many random histories to check")

func TestHistories(t *testing.T) {
	pagestest.Run(t, *histories, func(t testing.TB, e *emulator.Emulator) pagestest.Browser {
		client, err := upstream.New(upstream.Config{
			Endpoints: map[string]string{"r": "http://emulator.test"},
			Transport: direct{e},
		})
		if err != nil {
			t.Fatal(err)
		}
		return pagestest.Direct(walk.New(client))
	})
}
