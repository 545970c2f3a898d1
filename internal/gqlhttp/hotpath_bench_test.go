package gqlhttp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkHotPath measures a request within the process: a cached response, and cached pages that are assembled, executed and encoded
// because no two requests are equal.
func BenchmarkHotPath(b *testing.B) {
	const few = `logId type status startTime endTime desireValue instanceValue scalingValue`
	for name, c := range map[string]struct {
		selection string
		alike     bool
	}{
		"kept, 20 rows":                     {`activities(first: 20) { totalCount nodes { ` + few + ` } }`, true},
		"20 rows, 8 fields":                 {`activities(first: 20) { totalCount nodes { ` + few + ` } }`, false},
		"100 rows, 8 fields":                {`activities(first: 100) { totalCount nodes { ` + few + ` } }`, false},
		"100 rows, ids, cursors and a list": {`activities(first: 100) { edges { cursor node { id addedInstances { instanceId } } } }`, false},
	} {
		b.Run(name, func(b *testing.B) {
			k := newCachingHandler(b)
			for i := range 300 {
				k.insert(i)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n++; c.alike {
					n = 0
				}
				k.serve(fmt.Sprintf(`{"query":%s,"extensions":{"n":%d}}`, quoted(inRealGroup(c.selection)), n))
			}
		})
	}
}

func (k *cachingHandler) serve(body string) {
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Auth-Token", "one")
	w := httptest.NewRecorder()
	if k.handler.ServeHTTP(w, r); w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"errors"`) {
		k.Fatal(w.Code, w.Body)
	}
}
