package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"scalegraph/internal/app/apptest"
	"scalegraph/upstream/emulator"
)

// maxHops bounds the functions of the program that a cold page passes on its way down.
const maxHops = 120

// A cold page passes few functions of the program between the handler and the call of the upstream. With -update, their list in docs/architecture.md is
// written anew.
func TestHopsOfAColdPage(t *testing.T) {
	e := emulator.New(emulator.Switches{Access: emulator.AccessOpen})
	for i := range 60 {
		e.Insert("p", "g", minute(i))
	}
	var stacks string
	e.OnRequest(func(emulator.Request) {
		text := make([]byte, 1<<20)
		stacks = string(text[:runtime.Stack(text, true)])
	})
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(
		`{"query":"{ scalingGroup(groupId: \"g\") { activities(first: 20) { totalCount nodes { id logId status } pageInfo { hasNextPage endCursor } } } }"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	apptest.InProcess(t, e, true).ServeHTTP(w, r)
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"errors"`) || e.Count() != 1 {
		t.Fatalf("%d upstream calls, status %d: %s", e.Count(), w.Code, w.Body)
	}
	hops := hopsIn(stacks)
	t.Logf("%d functions:\n%s", len(hops), strings.Join(hops, "\n"))
	if len(hops) > maxHops || len(hops) < 20 {
		t.Errorf("%d functions, want at most %d", len(hops), maxHops)
	}
	if *update {
		writeHops(t, hops)
	}
}

// closure is the end of the name of a closure.
var closure = regexp.MustCompile(`(\.func[\d.]+)+$`)

// functionOf returns the name of the function in a line of a stack, with its package; empty if it is not one of the program's own. Closures have the name of
// their function.
func functionOf(line string) string {
	if !strings.HasPrefix(line, "scalegraph/") {
		return ""
	}
	name := line[:strings.LastIndex(line, "(")]
	name = closure.ReplaceAllString(strings.ReplaceAll(name[strings.LastIndex(name, "/")+1:], "[...]", ""), "")
	switch pkg, _, _ := strings.Cut(name, "."); pkg {
	case "graph", "emulator", "inprocess", "e2e": // generated, or not the program
		return ""
	}
	return name
}

// hopsIn returns the functions of the program from the handler down to the call of the upstream. The response is computed by the goroutine that serves
// the request and by the one that fetches; both have this test on their stacks.
func hopsIn(stacks string) []string {
	var hops []string
	for goroutine := range strings.SplitSeq(stacks, "\n\n") {
		if !strings.Contains(goroutine, "TestHopsOfAColdPage") {
			continue
		}
		var own []string
		for line := range strings.SplitSeq(goroutine, "\n") {
			if name := functionOf(line); name != "" {
				own = append(own, name)
			}
		}
		slices.Reverse(own)
		hops = append(own, hops...) // the goroutine that calls the emulator is first
	}
	return slices.Compact(hops)
}

func writeHops(t *testing.T, hops []string) {
	t.Helper()
	const file, from, to = "docs/architecture.md", "<!-- hops -->\n", "<!-- end of hops -->"
	text := readFile(t, file)
	var list strings.Builder
	for i, hop := range hops {
		fmt.Fprintf(&list, "%d. `%s`\n", i+1, hop)
	}
	shown := part(t, text, from, to)
	if err := os.WriteFile(repoFile(file), []byte(strings.Replace(text, from+shown+to, from+list.String()+to, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
