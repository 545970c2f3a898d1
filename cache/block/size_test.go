package block_test

import (
	"strings"
	"testing"

	"scalegraph/cache/block"
	"scalegraph/upstream"
	"scalegraph/upstream/fields/fieldstest"
)

// The estimate includes the text of every field that is text.
func TestEstimateCoversEveryText(t *testing.T) {
	size := func(a *upstream.Activity) uint32 {
		a.RetainedBytes = 0
		return block.EstimateSize([]*upstream.Activity{a})
	}
	full := size(fieldstest.Full())
	for path, row := range fieldstest.Variants() { // texts are longer than those of Full
		isText := !strings.HasPrefix(path, ".ListLengths") && !strings.HasSuffix(path, "Time") && !strings.HasSuffix(path, "Value") &&
			!strings.HasSuffix(path, "Port") && !strings.HasSuffix(path, "Weight")
		if got := size(row); (got > full) != isText {
			t.Errorf("%s: %d bytes, all fields %d", path, got, full)
		}
	}
}
