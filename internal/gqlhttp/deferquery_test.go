package gqlhttp_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

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
	body := q.set("Query", 0, true) + q.rows()
	return "query Q($yes: Boolean! = true, $no: Boolean! = false, $any: Boolean!) { used: __typename @include(if: $yes) @skip(if: $no) z: __typename @skip(if: $any) " +
		body + " }\n" + strings.Join(q.fragments, "\n")
}

// rows returns a selection of deferred rows with a deferred part each, because the other selections seldom nest fragments in lists.
func (q *queryGenerator) rows() string {
	outer, inner := q.set("ScalingActivity", 3, true), q.set("ScalingActivity", 3, true)
	return ` rows: scalingGroup(groupId: "group") { region ... @defer { activities(first: 20) { nodes { ... @defer { failedInstances { instanceId } ` + outer +
		` ...` + q.deferral() + ` { addedInstances { instanceId } ` + inner + ` } } } } } }`
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
	var name string
	if len(known) == 0 || rapid.Bool().Draw(q.T, "new") {
		name = fmt.Sprintf("F%d", len(q.fragments))
		q.fragments = append(q.fragments, "")
		at := len(q.fragments) - 1
		q.fragments[at] = "fragment " + name + " on " + on + " { " + q.set(on, depth, true) + " }"
		q.spreads[on] = append(q.spreads[on], name) // after its body: no cycles
	} else {
		name = rapid.SampledFrom(known).Draw(q.T, "spread")
	}
	return "..." + name + q.condition() + q.deferral()
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
