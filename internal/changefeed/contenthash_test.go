package changefeed

import (
	"testing"

	"scalegraph/upstream/fields/fieldstest"
)

// A row whose content differs in any field has another hash. Its id, and what follows from other fields, are not part of the content.
func TestContentHashCoversEveryField(t *testing.T) {
	implied := map[string]bool{".LogID": true, ".Type": true, ".Status": true}
	full := contentHash(fieldstest.Full())
	if full != contentHash(fieldstest.Full()) {
		t.Fatal("equal rows have different hashes")
	}
	for path, row := range fieldstest.Variants() {
		if differs := contentHash(row) != full; differs == implied[path] {
			t.Errorf("%s: the hash differs: %v", path, differs)
		}
	}
}
