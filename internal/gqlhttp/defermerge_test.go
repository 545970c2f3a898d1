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
	"scalegraph/resolvers/globalid"
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
		if want.Data == nil {
			t.Fatalf("rejected: %s\nquery: %s", plain[0], query)
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

// ID returns the real id, as the row encoder does.
func (loopGroup) ID(_ context.Context, g *upstream.Group) (string, error) {
	yieldRandomly()
	return globalid.Object{Group: *g}.ID(), nil
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
