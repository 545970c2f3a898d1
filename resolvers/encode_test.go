package resolvers

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"pgregory.net/rapid"

	"scalegraph/graph"
	"scalegraph/upstream"
)

// byGqlgen is the extension without what writes connections.
type byGqlgen struct {
	graphql.OperationInterceptor
	graphql.ResponseInterceptor
}

func (byGqlgen) ExtensionName() string                   { return "ByGqlgen" }
func (byGqlgen) Validate(graphql.ExecutableSchema) error { return nil }

// Whatever is selected of whatever connection, our own writing gives the bytes that gqlgen gives.
func TestConnectionsAreWrittenAsByGqlgen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := drawFixedFeed(t)
		query := `query Q($yes: Boolean = true, $no: Boolean = false) { unused: node(id: "") @include(if: $no) @skip(if: $yes) { ...Row ...Any } scalingGroup(groupId: "g") { activities ` +
			drawSet(t, "ScalingActivityConnection") + ` } scalingActivities(groups: [{groupId: "g"}, {groupId: "h"}]) ` + drawSet(t, "ScalingActivityConnection") + ` }` + fragments
		ours := askWith(t, source, query, Extension{})
		theirs := askWith(t, source, query, byGqlgen{Extension{}, Extension{}})
		if string(ours.Data) != string(theirs.Data) || len(ours.Errors) != len(theirs.Errors) {
			t.Fatalf("%s\n  ours %s %v\ntheirs %s %v", query, ours.Data, ours.Errors, theirs.Data, theirs.Errors)
		}
	})
}

func askWith(t *rapid.T, source fixedFeed, query string, x graphql.HandlerExtension) *graphql.Response {
	exec := executor.New(graph.NewExecutableSchema(graph.Config{Resolvers: New(Config{Pages: source, Counts: source, Feeds: source, Region: "default", DefaultProject: project})}))
	exec.SetErrorPresenter(ErrorPresenter(slog.New(slog.DiscardHandler)))
	exec.Use(x)
	ctx := graphql.StartOperationTrace(t.Context())
	op, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	responses, ctx := exec.DispatchOperation(ctx, op)
	return responses(ctx)
}

const fragments = ` fragment Row on ScalingActivity { logId again: type group { region } } fragment Any on Node { id }`

// members are the fields of a type, with the type of those that need a selection.
var members = map[string]map[string]string{
	"ScalingActivityConnection": {
		"nodes": "ScalingActivity", "edges": "ScalingActivityEdge", "pageInfo": "PageInfo", "totalCount": "", "asOf": "", "stale": "",
		"unavailableGroups": "UnavailableGroup",
	},
	"PageInfo":            {"hasNextPage": "", "hasPreviousPage": "", "startCursor": "", "endCursor": ""},
	"UnavailableGroup":    {"group": "ScalingGroup", "code": "", "message": "", "retryable": ""},
	"ScalingActivityEdge": {"cursor": "", "node": "ScalingActivity"},
	"ScalingActivity": {
		"id": "", "logId": "", "group": "ScalingGroup", "type": "", "rawType": "", "status": "", "rawStatus": "", "outcome": "", "direction": "",
		"startTime": "", "endTime": "", "durationSeconds": "", "instanceValue": "", "desireValue": "", "scalingValue": "", "description": "",
		"reasons": "ScalingReason", "addedInstances": "ScalingInstance", "removedInstances": "ScalingInstance", "deletedInstances": "ScalingInstance",
		"failedInstances": "ScalingInstance", "standbyInstances": "ScalingInstance", "boundLoadBalancers": "LoadBalancerChange",
		"bindFailedLoadBalancers": "LoadBalancerChange", "unboundLoadBalancers": "LoadBalancerChange", "unbindFailedLoadBalancers": "LoadBalancerChange",
		"failureReasons": "",
	},
	"ScalingGroup":       {"id": "", "groupId": "", "projectId": "", "region": ""},
	"ScalingReason":      {"changeReason": "", "oldValue": "", "newValue": "", "changeTime": "", "scalingPolicyId": "", "scalingPolicyName": ""},
	"ScalingInstance":    {"instanceId": "", "instanceName": "", "instanceConfig": "", "failure": "FailureDetail"},
	"LoadBalancerChange": {"lbaasListener": "LbaasListener", "classicListener": "", "failure": "FailureDetail"},
	"LbaasListener":      {"listenerId": "", "poolId": "", "protocolPort": "", "weight": ""},
	"FailureDetail":      {"reason": "", "details": ""},
}

// drawSet draws a selection of a type. A field that comes twice with different selections is merged; aliases are per field, so that
// no two fields want the same name.
func drawSet(t *rapid.T, of string) string {
	names := append(slices.Sorted(maps.Keys(members[of])), "__typename")
	var set strings.Builder
	for range rapid.IntRange(1, 6).Draw(t, "fields") {
		name := rapid.SampledFrom(names).Draw(t, "field")
		field := rapid.SampledFrom([]string{"", "", name + "2: "}).Draw(t, "alias") + name
		field += rapid.SampledFrom([]string{"", "", "", " @include(if: $yes)", " @skip(if: $no)", " @include(if: $no)"}).Draw(t, "condition")
		if inner := members[of][name]; inner != "" {
			field += drawSet(t, inner)
		}
		form := rapid.SampledFrom([]string{"%s ", "%s ", "... { %s } ", "... on " + of + " { %s } "}).Draw(t, "form")
		fmt.Fprintf(&set, form, field)
	}
	if of == "ScalingActivity" {
		set.WriteString(rapid.SampledFrom([]string{"", "...Row", "...Any", "...Any ...Row @include(if: $yes)", "... on Node { id }"}).Draw(t, "spread"))
	}
	return "{ " + set.String() + " __typename }"
}

// fixedFeed returns the same page for one group and for several, of which one may be unavailable.
type fixedFeed struct {
	fixedPage

	missing []upstream.Unavailable
}

func (s fixedFeed) Feed(context.Context, upstream.FeedQuery) (upstream.FeedPage, error) {
	return upstream.FeedPage{Page: s.page, Unavailable: s.missing}, nil
}

func (s fixedFeed) Count(context.Context, upstream.CountQuery) (upstream.Count, error) {
	return upstream.Count{Total: s.page.Total, AsOf: s.page.AsOf, Stale: s.page.Stale}, nil
}

func drawFixedFeed(t *rapid.T) fixedFeed {
	s := fixedFeed{fixedPage: fixedPage{upstream.Page{
		Total: rapid.IntRange(0, 1<<33).Draw(t, "total"), HasOlder: rapid.Bool().Draw(t, "older"), HasNewer: rapid.Bool().Draw(t, "newer"),
		AsOf: newestStart.Add(time.Duration(rapid.IntRange(0, 1e6).Draw(t, "age")) * time.Microsecond), Stale: rapid.Bool().Draw(t, "stale"), Rows: drawRows(t),
	}}}
	if rapid.Bool().Draw(t, "missing") {
		missing := groupA
		missing.ID = rapid.StringN(1, 5, -1).Draw(t, "missing group")
		s.missing = []upstream.Unavailable{{Group: missing, Err: rapid.SampledFrom([]error{upstream.ErrForbidden, upstream.ErrTimeout}).Draw(t, "why")}}
	}
	return s
}

func drawRows(t *rapid.T) []*upstream.Activity {
	rows := make([]*upstream.Activity, rapid.IntRange(0, 3).Draw(t, "rows"))
	for i := range rows {
		rows[i] = drawRow(t, i)
	}
	return rows
}

func drawRow(t *rapid.T, i int) *upstream.Activity {
	a := &upstream.Activity{
		Group: groupA, LogID: fmt.Sprint("log", i), StartTime: newestStart.Add(-time.Duration(i) * time.Second),
		Type:    rapid.SampledFrom(append(upstream.Types(), upstream.TypeUnknown)).Draw(t, "type"),
		Status:  rapid.SampledFrom([]upstream.Status{upstream.StatusSuccess, upstream.StatusFail, upstream.StatusDoing, upstream.StatusUnknown}).Draw(t, "status"),
		RawType: rapid.String().Draw(t, "raw type"), RawStatus: rapid.String().Draw(t, "raw status"),
		InstanceValue: drawInt(t), DesireValue: drawInt(t), ScalingValue: drawInt(t), Description: drawText(t),
	}
	if rapid.Bool().Draw(t, "ended") {
		a.EndTime = a.StartTime.Add(time.Duration(rapid.IntRange(-10, 1e6).Draw(t, "took")) * time.Millisecond)
	}
	if rapid.Bool().Draw(t, "reasons") {
		text := `{"reason":[{"change_reason":"ALARM","old_value":1,"change_time":"2026-03-01T00:00:00Z","scaling_policy_name":"a \"b\""},{"change_reason":"DIFF"}]}`
		a.Description = &text
	}
	a.ListLengths.Failed = int32(rapid.IntRange(0, 1).Draw(t, "failures"))
	d := &a.Details
	d.Sections = rapid.SampledFrom([]upstream.Sections{upstream.AllSections, upstream.AllSections, upstream.AllSections, upstream.SectionInstances}).Draw(t, "sections")
	if d.Sections == upstream.AllSections {
		d.Added, d.Removed, d.Deleted, d.Standby = drawInstances(t), drawInstances(t), drawInstances(t), drawInstances(t)
		d.Failed = drawInstances(t)
		d.Bound, d.BindFailed, d.Unbound, d.UnbindFailed = drawChanges(t), drawChanges(t), drawChanges(t), drawChanges(t)
	}
	return a
}

func drawInstances(t *rapid.T) []*upstream.Instance {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *upstream.Instance {
		return &upstream.Instance{ID: drawText(t), Name: drawText(t), Config: drawText(t), Failure: drawFailure(t)}
	}), 0, 2).Draw(t, "instances")
}

func drawChanges(t *rapid.T) []*upstream.LoadBalancerChange {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *upstream.LoadBalancerChange {
		c := &upstream.LoadBalancerChange{ClassicListener: drawText(t), Failure: drawFailure(t)}
		if rapid.Bool().Draw(t, "enhanced") {
			c.LbaasListener = &upstream.LbaasListener{ListenerID: drawText(t), PoolID: drawText(t), ProtocolPort: drawInt(t), Weight: drawInt(t)}
		}
		return c
	}), 0, 2).Draw(t, "changes")
}

func drawFailure(t *rapid.T) *upstream.Failure {
	if rapid.Bool().Draw(t, "failed") {
		return nil
	}
	return &upstream.Failure{Reason: drawText(t), Details: drawText(t)}
}

func drawText(t *rapid.T) *string {
	return rapid.Ptr(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "\"\\\t\r\n\x00\x1f\x7f", "伸缩 é \u2028", "\xff\xfe"})), true).Draw(t, "text")
}

func drawInt(t *rapid.T) *int32 { return rapid.Ptr(rapid.Int32(), true).Draw(t, "int") }
