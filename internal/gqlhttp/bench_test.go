package gqlhttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/graph"
	"scalegraph/internal/gqlhttp"
)

// BenchmarkEdge measures the handler without execution, with a response of 4 kB.
func BenchmarkEdge(b *testing.B) {
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	data := []byte(`{"scalingGroup":"` + strings.Repeat("x", 4000) + `"}`)
	h := gqlhttp.NewHandler(readySchema{schema, data}, gqlhttp.Config{})
	const query = `query Q($id: ID!, $n: Int) { scalingGroup(groupId: $id) { id activities(first: $n) { totalCount edges { cursor node { id logId type status startTime endTime } } } } }`
	text := body(query, map[string]any{"id": "g", "n": 20})
	for _, encoding := range []string{"identity", "zstd", "br", "gzip"} {
		b.Run(encoding, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(text))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Accept-Encoding", encoding)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

// readySchema resolves every operation to the same data.
type readySchema struct {
	schema *ast.Schema
	data   []byte
}

func (s readySchema) Schema() *ast.Schema { return s.schema }

func (s readySchema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s readySchema) Exec(context.Context) graphql.ResponseHandler {
	return graphql.OneShot(&graphql.Response{Data: s.data})
}
