package resolvers

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "update the responses in testdata")

// TestGolden compares the response to every testdata/<field>/<case>.graphql, and the number of upstream calls that it took, with
// the .json beside it.
func TestGolden(t *testing.T) {
	queries, err := filepath.Glob("testdata/*/*.graphql")
	if err != nil || len(queries) == 0 {
		t.Fatalf("no queries: %v", err)
	}
	w := newWorld(t)
	for _, path := range queries {
		t.Run(strings.TrimPrefix(path, "testdata/"), func(t *testing.T) {
			query, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			a := w.ask(string(query), nil)
			got := encode(t, map[string]any{"response": removeVolatile(t, a.raw), "upstreamCalls": len(a.calls)})
			compare(t, strings.TrimSuffix(path, ".graphql")+".json", got)
		})
	}
}

func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// removeVolatile removes what differs from run to run: the order of errors, the upstream's request ids, and the times at which
// something was read, which must be now.
func removeVolatile(t *testing.T, raw []byte) any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if errs, ok := v["errors"].([]any); ok {
		slices.SortFunc(errs, func(a, b any) int { return strings.Compare(pathOf(a), pathOf(b)) })
	}
	return scrubbed(t, v)
}

func pathOf(err any) string { return fmt.Sprint(err.(map[string]any)["path"]) }

func scrubbed(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = scrubbed(t, v[i])
		}
	case map[string]any:
		for name, value := range v {
			switch name {
			case "asOf":
				v[name] = now(t, value)
			case "requestId":
				v[name] = fmt.Sprintf("%d characters", len(value.(string)))
			default:
				v[name] = scrubbed(t, value)
			}
		}
	}
	return v
}

func now(t *testing.T, asOf any) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339, asOf.(string))
	if age := time.Since(at); err != nil || age < -time.Second || age > time.Minute {
		t.Errorf("asOf is %v: %v", asOf, err)
	}
	return "now"
}
