package gqlhttp_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"scalegraph/graph"
	"scalegraph/graph/model"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/resolvers"
	"scalegraph/upstream"
)

// controlledRoot resolves the heavy fields when the test permits it, or fails.
type controlledRoot struct {
	root
	letGo chan struct{} // nil: immediately
	err   error
}

func (l controlledRoot) Query() graph.QueryResolver { return query{root: l.root} }
func (l controlledRoot) ScalingGroup() graph.ScalingGroupResolver {
	return controlledGroup{controlledRoot: l}
}
func (l controlledRoot) ScalingActivity() graph.ScalingActivityResolver {
	return controlledActivity{controlledRoot: l}
}

type controlledGroup struct {
	graph.ScalingGroupResolver
	controlledRoot
}

func (g controlledGroup) ID(_ context.Context, obj *upstream.Group) (string, error) {
	return "id-" + obj.ID, g.wait()
}

func (g controlledGroup) LatestActivity(context.Context, *upstream.Group, *model.ScalingActivityFilter) (*model.ScalingActivity, error) {
	return &model.ScalingActivity{Activity: &upstream.Activity{LogID: "log"}, ID: "a"}, nil
}

type controlledActivity struct {
	graph.ScalingActivityResolver
	controlledRoot
}

func (a controlledActivity) FailedInstances(context.Context, *model.ScalingActivity) ([]*upstream.Instance, error) {
	return []*upstream.Instance{}, a.wait()
}

func (l controlledRoot) wait() error {
	if l.letGo != nil {
		<-l.letGo
	}
	return l.err
}

func serveLate(t testing.TB, l controlledRoot, cfg gqlhttp.Config) string {
	t.Helper()
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: l, Complexity: resolvers.Complexity()})
	return start(t, gqlhttp.NewHandler(schema, cfg))
}

const (
	older = "multipart/mixed;deferSpec=20220824,application/json"
	newer = "multipart/mixed;incrementalSpec=v0.2,application/json"
)

func askInParts(t testing.TB, target, query, accept string) *http.Response {
	t.Helper()
	return open(t, http.MethodPost, target, `{"query":`+quoted(query)+`}`, "Accept", accept, "Content-Type", "application/json")
}

// bodies splits a response into its parts.
func bodies(t testing.TB, resp *http.Response) []string {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	rest, whole := strings.CutSuffix(string(text), "\r\n--graphql--\r\n")
	first, begun := strings.CutPrefix(rest, "\r\n--graphql")
	if !whole || !begun {
		t.Fatalf("%d %q", resp.StatusCode, text)
	}
	var list []string
	for part := range strings.SplitSeq(first, "\r\n--graphql") {
		body, ok := strings.CutPrefix(part, "\r\nContent-Type: application/json; charset=utf-8\r\n\r\n")
		if !ok {
			t.Fatalf("%q", part)
		}
		list = append(list, body)
	}
	return list
}

func TestDeferredParts(t *testing.T) {
	ready, failing := serveLate(t, controlledRoot{}, gqlhttp.Config{}), serveLate(t, controlledRoot{err: errors.New("secret")}, gqlhttp.Config{})
	const internal = `"extensions":{"code":"INTERNAL","retryable":false}}]`
	for name, test := range map[string]struct{ target, accept, query, first, rest string }{
		"older": {
			ready, older, `{ scalingGroup(groupId: "g") { ... @defer(label: "x") { id region } projectId } }`,
			`{"data":{"scalingGroup":{"region":"r","projectId":"p"}},"hasNext":true}`,
			`{"incremental":[{"data":{"id":"id-g"},"path":["scalingGroup"],"label":"x"}],"hasNext":false}`,
		},
		"newer": {
			ready, newer, `{ scalingGroup(groupId: "g") { ... @defer(label: "x") { id region } projectId } }`,
			`{"data":{"scalingGroup":{"region":"r","projectId":"p"}},"pending":[{"id":"0","path":["scalingGroup"],"label":"x"}],"hasNext":true}`,
			`{"incremental":[{"id":"0","data":{"id":"id-g"}}],"completed":[{"id":"0"}],"hasNext":false}`,
		},
		"aliases, and a null that is there": {
			ready, older, `{ g: scalingGroup(groupId: "g") { latestActivity { ... @defer { endTime f: failedInstances { instanceId } } logId } } }`,
			`{"data":{"g":{"latestActivity":{"endTime":null,"logId":"log"}}},"hasNext":true}`,
			`{"incremental":[{"data":{"f":[]},"path":["g","latestActivity"]}],"hasNext":false}`,
		},
		"named fragments": {
			ready, older, `{ scalingGroup(groupId: "g") { ...f @defer region } } fragment f on ScalingGroup { id }`,
			`{"data":{"scalingGroup":{"region":"r"}},"hasNext":true}`,
			`{"incremental":[{"data":{"id":"id-g"},"path":["scalingGroup"]}],"hasNext":false}`,
		},
		"an error in a part": {
			failing, older, `{ scalingGroup(groupId: "g") { region latestActivity { ... @defer { failedInstances { instanceId } } } } }`,
			`{"data":{"scalingGroup":{"region":"r","latestActivity":{}}},"hasNext":true}`,
			`{"incremental":[{"data":{"failedInstances":null},"path":["scalingGroup","latestActivity"],"errors":[{"message":"Something went wrong on our side; the request id names it in our logs.",` +
				`"path":["scalingGroup","latestActivity","failedInstances"],"locations":[{"line":1,"column":69}],` + internal + `}],"hasNext":false}`,
		},
		"an error that takes all of a part": {
			failing, newer, `{ scalingGroup(groupId: "g") { region ... @defer { id } } }`,
			`{"data":{"scalingGroup":{"region":"r"}},"pending":[{"id":"0","path":["scalingGroup"]}],"hasNext":true}`,
			`{"completed":[{"id":"0","errors":[{"message":"Something went wrong on our side; the request id names it in our logs.",` +
				`"path":["scalingGroup","id"],"locations":[{"line":1,"column":52}],` + internal + `}],"hasNext":false}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			resp := askInParts(t, test.target, test.query, test.accept)
			want := `multipart/mixed; boundary="graphql"; deferSpec=20220824`
			if test.accept == newer {
				want = `multipart/mixed; boundary="graphql"; incrementalSpec=v0.2`
			}
			if got := resp.Header.Get("Content-Type"); got != want {
				t.Error(got)
			}
			got := bodies(t, resp)
			if len(got) != 2 || got[0] != test.first || got[1] != test.rest {
				t.Errorf("%s", strings.Join(got, "\n"))
			}
		})
	}
}

// A part inside another one comes with it, or after it where the machine is slow.
func TestDeferredPartInsideAnother(t *testing.T) {
	query := `{ scalingGroup(groupId: "g") { region ... @defer { latestActivity { logId ... @defer { failedInstances { instanceId } } } } } }`
	const (
		first   = `{"data":{"scalingGroup":{"region":"r"}},"pending":[{"id":"0","path":["scalingGroup"]}],"hasNext":true}`
		pending = `{"pending":[{"id":"1","path":["scalingGroup","latestActivity"]}],`
		outer   = `{"id":"0","data":{"latestActivity":{"logId":"log"}}}`
		inner   = `{"id":"1","data":{"failedInstances":[]}}`
	)
	together := pending + `"incremental":[` + outer + `,` + inner + `],"completed":[{"id":"0"},{"id":"1"}],"hasNext":false}`
	apart := pending + `"incremental":[` + outer + `],"completed":[{"id":"0"}],"hasNext":true}` + "\n" +
		`{"incremental":[` + inner + `],"completed":[{"id":"1"}],"hasNext":false}`
	got := bodies(t, askInParts(t, serveLate(t, controlledRoot{}, gqlhttp.Config{}), query, newer))
	if rest := strings.Join(got[1:], "\n"); got[0] != first || rest != together && rest != apart {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// TestFirstPartIsNotDelayed for what is deferred.
func TestFirstPartIsNotDelayed(t *testing.T) {
	l := controlledRoot{letGo: make(chan struct{})}
	resp := askInParts(t, serveLate(t, l, gqlhttp.Config{}), `{ scalingGroup(groupId: "g") { region ... @defer { id } } }`, older)
	r := bufio.NewReader(resp.Body)
	upTo(t, r, `{"data":{"scalingGroup":{"region":"r"}},"hasNext":true}`+"\r\n--graphql")
	close(l.letGo)
	if rest, _ := io.ReadAll(r); !strings.Contains(string(rest), "id-g") {
		t.Errorf("%q", rest)
	}
}

// Without a deferred fragment, or without a client that accepts parts, the response is single.
func TestNothingIsDeferred(t *testing.T) {
	target := serveLate(t, controlledRoot{}, gqlhttp.Config{})
	for name, test := range map[string]struct{ accept, query string }{
		"switched off":    {newer, `{ scalingGroup(groupId: "g") { region ... @defer(if: false) { id } } }`},
		"also without":    {newer, `{ scalingGroup(groupId: "g") { region ... @defer { id } id } }`},
		"no wish":         {"application/json", `{ scalingGroup(groupId: "g") { region ... @defer { id } } }`},
		"any type":        {"*/*", `{ scalingGroup(groupId: "g") { region ... @defer { id } } }`},
		"refused":         {"multipart/mixed;deferSpec=20220824;q=0, application/json", `{ scalingGroup(groupId: "g") { region ... @defer { id } } }`},
		"another dialect": {"multipart/mixed;deferSpec=2099, application/json", `{ scalingGroup(groupId: "g") { region ... @defer { id } } }`},
	} {
		got := post(t, target, test.query, "Accept", test.accept)
		if got.Header.Get("Content-Type") != jsonMedia || got.text != `{"data":{"scalingGroup":{"region":"r","id":"id-g"}}}` {
			t.Errorf("%s: %s %s", name, got.Header.Get("Content-Type"), got.text)
		}
	}
	only := bodies(t, askInParts(t, target, `{ scalingGroup(groupId: "g") { id } }`, "multipart/mixed;deferSpec=20220824"))
	if len(only) != 1 || only[0] != `{"data":{"scalingGroup":{"id":"id-g"}}}` {
		t.Errorf("%q", only)
	}
	got := post(t, target, `{ nothing ... @defer { id } }`, "Accept", newer)
	if got.Header.Get("Content-Type") != jsonMedia || got.code() != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("%s", got.text)
	}
}

// TestTimeIsOverForParts that are late; those that are there stay.
func TestTimeIsOverForParts(t *testing.T) {
	l, streams := controlledRoot{letGo: make(chan struct{})}, new(stream.Registry)
	target := serveLate(t, l, gqlhttp.Config{RequestTimeout: 50 * time.Millisecond, Streams: streams})
	const overdue = `"errors":[{"message":"The request ran out of time.","path":["scalingGroup"],"extensions":{"code":"REQUEST_TIMEOUT","retryable":true}}]`
	for accept, want := range map[string]string{
		older: `{"incremental":[{"data":null,"path":["scalingGroup"],` + overdue + `}],"hasNext":false}`,
		newer: `{"completed":[{"id":"0",` + overdue + `}],"hasNext":false}`,
	} {
		got := bodies(t, askInParts(t, target, `{ scalingGroup(groupId: "g") { region ... @defer { id } } }`, accept))
		if len(got) != 2 || got[1] != want {
			t.Errorf("%s", strings.Join(got, "\n"))
		}
	}
	close(l.letGo)
	if err := streams.Drain(t.Context()); err != nil {
		t.Errorf("what was deferred is still under way: %v", err)
	}
}

// TestClientDisconnectsBeforeParts has nothing left behind.
func TestClientDisconnectsBeforeParts(t *testing.T) {
	l, streams := controlledRoot{letGo: make(chan struct{})}, new(stream.Registry)
	target := serveLate(t, l, gqlhttp.Config{Streams: streams})
	for range 10 {
		resp := askInParts(t, target, `{ scalingGroup(groupId: "g") { region ... @defer { id } ... @defer(label: "l") { latestActivity { ... @defer { failedInstances { instanceId } } } } } }`, newer)
		upTo(t, bufio.NewReader(resp.Body), "}\r\n--graphql")
		resp.Body.Close()
	}
	close(l.letGo)
	if err := streams.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}
