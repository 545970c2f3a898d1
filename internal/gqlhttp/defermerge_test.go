package gqlhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"scalegraph/graph"
	"scalegraph/graph/model"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/resolvers"
	"scalegraph/upstream"
)

// TestDeferredPartsMergeToPlainResponse sends random queries with random @defer directives in both dialects. The parts must merge to
// the response that the same query has in one piece.
func TestDeferredPartsMergeToPlainResponse(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { // after the server has stopped
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		goleak.VerifyNone(t, before)
	})
	streams := new(stream.Registry)
	target := serveLoop(t, streams)
	rapid.Check(t, func(t *rapid.T) {
		q := newQueryGenerator(t)
		query := q.document()
		variables := fmt.Sprintf(`{"yes":true,"no":false,"any":%v}`, rapid.Bool().Draw(t, "any"))
		plain := postForDefer(t, target, query, variables, "application/json")
		var want mergedResponse
		if err := json.Unmarshal([]byte(plain[0]), &want); err != nil {
			t.Fatalf("%s\n%v", plain[0], err)
		}
		for _, accept := range []string{older, newer} {
			parts := postForDefer(t, target, query, variables, accept)
			got, err := mergeParts(parts, accept == newer)
			if err != nil {
				t.Fatalf("%s\nquery: %s\nvariables: %s\nparts:\n%s\n%v", accept, query, variables, strings.Join(parts, "\n"), err)
			}
			if !reflect.DeepEqual(got.Data, want.Data) || !slices.Equal(got.errorTexts(), want.errorTexts()) {
				t.Fatalf("%s\nquery: %s\nvariables: %s\nparts:\n%s\nmerged: %v %v\nplain: %s", accept, query, variables, strings.Join(parts, "\n"), got.Data, got.errorTexts(), plain[0])
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := streams.Drain(ctx); err != nil {
		t.Fatalf("an operation is still executed: %v", err)
	}
}

// serveLoop serves groups and activities that refer to each other, so that queries of any depth have data.
func serveLoop(t testing.TB, streams *stream.Registry) string {
	t.Helper()
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: loop{}, Complexity: resolvers.Complexity()})
	return start(t, gqlhttp.NewHandler(schema, gqlhttp.Config{
		Limits:     document.Limits{Depth: 100, Aliases: 10_000, Directives: 10_000, Cost: 1 << 40, Tokens: 1 << 20},
		Streams:    streams,
		Extensions: []graphql.HandlerExtension{resolvers.Extension{}},
	}))
}

type loop struct{ root }

func (l loop) Query() graph.QueryResolver                     { return loopQuery{} }
func (l loop) ScalingGroup() graph.ScalingGroupResolver       { return loopGroup{} }
func (l loop) ScalingActivity() graph.ScalingActivityResolver { return loopActivity{} }

type loopQuery struct{ graph.QueryResolver }

func (loopQuery) Node(_ context.Context, id string) (model.Node, error) {
	if strings.HasPrefix(id, "group") {
		return loopGroupOf(id), nil
	}
	return loopRow(id), nil
}

func (q loopQuery) Nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	var nodes []model.Node
	for _, id := range ids {
		n, err := q.Node(ctx, id)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func (loopQuery) ScalingGroup(_ context.Context, id string, _, _ *string) (*upstream.Group, error) {
	return loopGroupOf(id), nil
}

func (loopQuery) ScalingGroups(_ context.Context, refs []*model.ScalingGroupRef) ([]*upstream.Group, error) {
	var groups []*upstream.Group
	for _, ref := range refs {
		groups = append(groups, loopGroupOf(ref.GroupID))
	}
	return groups, nil
}

type loopGroup struct{ graph.ScalingGroupResolver }

func (loopGroup) ID(_ context.Context, g *upstream.Group) (string, error) {
	yieldRandomly()
	return "id-" + g.ID, nil
}

func (loopGroup) Activities(_ context.Context, g *upstream.Group, _ *model.ScalingActivityFilter, first *int32, _ *string, _ *int32, _ *string, _ *int32) (*model.ScalingActivityConnection, error) {
	yieldRandomly()
	c := &model.ScalingActivityConnection{TotalCount: *first}
	for i := range *first {
		c.Nodes = append(c.Nodes, *loopRow(fmt.Sprintf("row%d of %s", i, g.ID)))
	}
	for i := range c.Nodes {
		c.Edges = append(c.Edges, model.ScalingActivityEdge{Cursor: fmt.Sprint(i), Node: &c.Nodes[i]})
	}
	return c, nil
}

func (loopGroup) Activity(_ context.Context, _ *upstream.Group, logID string) (*model.ScalingActivity, error) {
	yieldRandomly()
	return nil, errors.New("no activity " + logID)
}

func (loopGroup) LatestActivity(_ context.Context, g *upstream.Group, _ *model.ScalingActivityFilter) (*model.ScalingActivity, error) {
	yieldRandomly()
	return loopRow("latest of " + g.ID), nil
}

func (loopGroup) ActivitySummary(context.Context, *upstream.Group, *model.ScalingActivityFilter) (*model.ScalingActivitySummary, error) {
	yieldRandomly()
	return nil, nil
}

type loopActivity struct{ graph.ScalingActivityResolver }

func (loopActivity) AddedInstances(_ context.Context, a *model.ScalingActivity) ([]*upstream.Instance, error) {
	yieldRandomly()
	i, j := "i-"+a.ID, "j-"+a.ID
	return []*upstream.Instance{{ID: &i}, {ID: &j}}, nil
}

func (loopActivity) FailedInstances(context.Context, *model.ScalingActivity) ([]*upstream.Instance, error) {
	yieldRandomly()
	return nil, errors.New("no failed instances")
}

func (loopActivity) BoundLoadBalancers(context.Context, *model.ScalingActivity) ([]*upstream.LoadBalancerChange, error) {
	return []*upstream.LoadBalancerChange{}, nil
}

func loopGroupOf(id string) *upstream.Group {
	return &upstream.Group{ID: id, Project: "p", Region: "r"}
}

func loopRow(id string) *model.ScalingActivity {
	return &model.ScalingActivity{ID: id, Activity: &upstream.Activity{LogID: "log of " + id, Group: *loopGroupOf("group of " + id), StartTime: time.Unix(1, 0)}}
}

// yieldRandomly lets deferred fields resolve in any order.
func yieldRandomly() {
	for range rand.IntN(3) {
		runtime.Gosched()
	}
}

// queryGenerator draws documents that are valid in graph's schema.
type queryGenerator struct {
	*rapid.T
	fragments []string // definitions
	spreads   map[string][]string
	labels    int
	budget    int // of selections
}

func newQueryGenerator(t *rapid.T) *queryGenerator {
	return &queryGenerator{T: t, spreads: map[string][]string{}, budget: rapid.IntRange(5, 60).Draw(t, "budget")}
}

// The fields of each type: those with arguments have one spelling, so that any two selections can be merged.
var generatedFields = map[string]struct {
	leaves   []string
	branches map[string]string
}{
	"Query": {nil, map[string]string{
		`scalingGroup(groupId: "group")`:                                "ScalingGroup",
		`many: scalingGroups(groups: [{groupId: "a"}, {groupId: "b"}])`: "ScalingGroup",
		`node(id: "group-n")`:                                           "Node",
		`row: node(id: "row-n")`:                                        "Node",
		`mixed: nodes(ids: ["row-1", "group-1", "row-2", "group-2"])`:   "Node",
	}},
	"Node": {[]string{"id", "__typename"}, nil},
	"ScalingGroup": {[]string{"id", "other: id", "groupId", "region", "__typename"}, map[string]string{
		"activities(first: 3)":      "ScalingActivityConnection",
		"a20: activities(first:20)": "ScalingActivityConnection",
		`activity(logId: "x")`:      "ScalingActivity",
		"latestActivity":            "ScalingActivity",
		"last: latestActivity":      "ScalingActivity",
		"activitySummary":           "ScalingActivitySummary",
	}},
	"ScalingActivityConnection": {[]string{"totalCount", "stale"}, map[string]string{"nodes": "ScalingActivity", "edges": "ScalingActivityEdge", "pageInfo": "PageInfo"}},
	"ScalingActivityEdge":       {[]string{"cursor"}, map[string]string{"node": "ScalingActivity"}},
	"ScalingActivitySummary":    {[]string{"total"}, nil},
	"PageInfo":                  {[]string{"hasNextPage", "endCursor"}, nil},
	"ScalingInstance":           {[]string{"instanceId", "instanceName"}, nil},
	"LoadBalancerChange":        {[]string{"classicListener"}, nil},
	"ScalingActivity": {[]string{"id", "logId", "endTime", "__typename"}, map[string]string{
		"group": "ScalingGroup", "addedInstances": "ScalingInstance", "x: addedInstances": "ScalingInstance",
		"failedInstances": "ScalingInstance", "boundLoadBalancers": "LoadBalancerChange",
	}},
}

func (q *queryGenerator) document() string {
	body := q.set("Query", 0, true)
	return "query Q($yes: Boolean! = true, $no: Boolean! = false, $any: Boolean!) { used: __typename @include(if: $yes) @skip(if: $no) z: __typename @skip(if: $any) " +
		body + " }\n" + strings.Join(q.fragments, "\n")
}

func (q *queryGenerator) set(kind string, depth int, fragments bool) string {
	var parts []string
	for range rapid.IntRange(1, 4).Draw(q.T, "width") {
		parts = append(parts, q.selection(kind, depth, fragments))
	}
	return strings.Join(parts, " ")
}

func (q *queryGenerator) selection(kind string, depth int, fragments bool) string {
	q.budget--
	fields := generatedFields[kind]
	branches := make([]string, 0, len(fields.branches))
	for name := range fields.branches {
		branches = append(branches, name)
	}
	slices.Sort(branches)
	choice := rapid.IntRange(0, 9).Draw(q.T, "choice")
	switch {
	case fragments && choice < 3 && q.budget > 0:
		return q.inline(kind, depth)
	case fragments && choice < 5 && q.budget > 0:
		return q.spread(kind, depth)
	case len(branches) > 0 && (choice < 8 || len(fields.leaves) == 0) && (q.budget > 0 && depth < 7 || kind == "Query"):
		name := rapid.SampledFrom(branches).Draw(q.T, "branch")
		return name + q.condition() + " { " + q.set(fields.branches[name], depth+1, true) + " }"
	case len(fields.leaves) > 0:
		return rapid.SampledFrom(fields.leaves).Draw(q.T, "leaf") + q.condition()
	}
	return "__typename"
}

func (q *queryGenerator) inline(kind string, depth int) string {
	on := q.condType(kind)
	text := "..."
	if on != kind || rapid.Bool().Draw(q.T, "on") {
		text += " on " + on
	}
	return text + q.condition() + q.deferral() + " { " + q.set(on, depth, true) + " }"
}

func (q *queryGenerator) spread(kind string, depth int) string {
	on := q.condType(kind)
	known := q.spreads[on]
	if len(known) == 0 || rapid.Bool().Draw(q.T, "new") {
		name := fmt.Sprintf("F%d", len(q.fragments))
		q.fragments = append(q.fragments, "")
		at := len(q.fragments) - 1
		q.fragments[at] = "fragment " + name + " on " + on + " { " + q.set(on, depth, true) + " }"
		q.spreads[on] = append(q.spreads[on], name) // after its body: no cycles
		known = q.spreads[on]
	}
	return "..." + rapid.SampledFrom(known).Draw(q.T, "spread") + q.condition() + q.deferral()
}

func (q *queryGenerator) condType(kind string) string {
	switch kind {
	case "Node":
		return rapid.SampledFrom([]string{"Node", "ScalingGroup", "ScalingActivity"}).Draw(q.T, "on type")
	case "ScalingGroup", "ScalingActivity":
		return rapid.SampledFrom([]string{kind, kind, "Node"}).Draw(q.T, "on type")
	}
	return kind
}

func (q *queryGenerator) condition() string {
	return rapid.SampledFrom([]string{"", "", "", "", " @include(if: $any)", " @skip(if: $any)", " @include(if: $yes)", " @skip(if: $no)"}).Draw(q.T, "condition")
}

func (q *queryGenerator) deferral() string {
	switch rapid.IntRange(0, 7).Draw(q.T, "defer") {
	case 0:
		return ""
	case 1:
		q.labels++
		return fmt.Sprintf(` @defer(label: "l%d")`, q.labels)
	case 2:
		q.labels++
		return fmt.Sprintf(` @defer(if: $any, label: "l%d")`, q.labels)
	case 3:
		return " @defer(if: $any)"
	case 4:
		return " @defer(if: false)"
	}
	return " @defer"
}

// postForDefer returns the parts of a response, or its only part.
func postForDefer(t *rapid.T, target, query, variables, accept string) []string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(`{"query":`+quoted(query)+`,"variables":`+variables+`}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	parts, err := readParts(resp)
	if err != nil {
		t.Fatalf("%s\nquery: %s\nvariables: %s\n%v", accept, query, variables, err)
	}
	return parts
}

// TestNestedDeferInListDeliversEveryRow covers results of rows that arrive before the list that the rows are in.
func TestNestedDeferInListDeliversEveryRow(t *testing.T) {
	target := serveLoop(t, new(stream.Registry))
	const query = `{ scalingGroup(groupId: "g") { region ... @defer { activities(first: 20) { nodes { ... @defer { failedInstances { instanceId } ... @defer { logId addedInstances { instanceId } } } } } } } }`
	for range 50 {
		resp := askInParts(t, target, query, older)
		text := strings.Join(bodies(t, resp), "\n")
		if failed, added := strings.Count(text, `{"failedInstances":null}`), strings.Count(text, `{"addedInstances":[`); failed != 20 || added != 20 {
			t.Fatalf("%d and %d of 20 rows have their deferred fields:\n%s", failed, added, text)
		}
	}
}
