// Package estimate estimates how many upstream calls an operation makes, from its document and variables alone.
package estimate

import (
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/resolvers/globalid"
)

const (
	// policiesOfGroup is how many policies each group is expected to have: one that adds instances and one that removes them.
	policiesOfGroup = 2
	// maxNames is the most groups or ids that one field accepts; a field with more is rejected without a call.
	maxNames = 100
	// maxRows and defaultRows are the largest and the default page size; a field with a larger one is rejected without a call.
	maxRows, defaultRows = 500, 20
)

// Calls returns how many upstream calls the policy executions of an operation make if nothing is cached: one for each log and one for the list of
// policies. A page of groups counts as many groups as are requested. Fields that may share a log count once.
//
// Other fields count nothing: they make at most a few calls for each group, and how many groups there are, and what is cached, is known only when
// they are executed.
func Calls(op *graphql.OperationContext) int {
	c := counter{op: op, logs: map[log]int{}}
	for _, f := range c.fields(op.Operation.SelectionSet, "Query") {
		c.rootField(f)
	}
	calls := 0
	for _, n := range c.logs {
		calls += n
	}
	if calls > 0 {
		calls++
	}
	return calls
}

// log is the execution logs of an owner, as far as a filter of the upstream matches. Pages and statuses of equal logs may share calls.
type log struct{ owner, filter string }

// owner is a group, several groups or a policy, with the number of execution logs.
type owner struct {
	key  string // equal for equal owners
	logs int
}

type counter struct {
	op   *graphql.OperationContext
	logs map[log]int
}

// fields returns the fields of an object that are included.
func (c counter) fields(set ast.SelectionSet, types ...string) []graphql.CollectedField {
	return graphql.CollectFields(c.op, set, types)
}

func (c counter) rootField(f graphql.CollectedField) {
	args := f.ArgumentMap(c.op.Variables)
	switch f.Name {
	case "scalingGroup":
		c.group(f, []owner{groupNamed(args)})
	case "scalingGroups":
		var groups []owner
		for _, ref := range entries(args["groups"]) {
			if ref, ok := ref.(map[string]any); ok {
				groups = append(groups, groupNamed(ref))
			}
		}
		c.group(f, groups)
	case "node":
		c.nodes(f, []any{args["id"]})
	case "nodes":
		c.nodes(f, entries(args["ids"]))
	case "project":
		for _, list := range c.fields(f.Selections, "Project", "Node") {
			if list.Name == "scalingGroups" {
				c.groupPage(list, args)
			}
		}
	}
}

func (c counter) nodes(f graphql.CollectedField, ids []any) {
	var groups, policies []owner
	for _, id := range ids {
		text, _ := id.(string)
		switch o, ok := globalid.Parse(text); {
		case !ok || o.Group.ID == "" || o.LogID != "":
		case o.PolicyID != "":
			policies = append(policies, owner{"policy " + text, 1})
		default:
			groups = append(groups, groupNamed(map[string]any{"groupId": o.Group.ID, "projectId": o.Group.Project, "region": o.Group.Region}))
		}
	}
	c.group(f, groups)
	c.policy(f.Selections, policies)
}

// groupPage counts a page of a project's groups.
func (c counter) groupPage(f graphql.CollectedField, project map[string]any) {
	args := f.ArgumentMap(c.op.Variables)
	page := []owner{{fmt.Sprintln("page", project, args), policiesOfGroup * requestedRows(args)}}
	for _, part := range c.fields(f.Selections, "ScalingGroupConnection") {
		switch part.Name {
		case "nodes":
			c.group(part, page)
		case "edges":
			for _, node := range c.fields(part.Selections, "ScalingGroupEdge") {
				if node.Name == "node" {
					c.group(node, page)
				}
			}
		}
	}
}

// group counts the fields of a group, which f resolves to, once for each of the groups.
func (c counter) group(f graphql.CollectedField, groups []owner) {
	for _, of := range c.fields(f.Selections, "ScalingGroup", "Node") {
		switch of.Name {
		case "policyExecutions":
			c.executions(of, groups)
		case "policies":
			c.policy(of.Selections, groups)
		}
	}
}

// policy counts the fields of a policy for the policies of each owner.
func (c counter) policy(set ast.SelectionSet, owners []owner) {
	for _, f := range c.fields(set, "ScalingPolicy", "Node") {
		if f.Name == "executions" {
			c.executions(f, owners)
		}
	}
}

func (c counter) executions(f graphql.CollectedField, owners []owner) {
	filter, _ := f.ArgumentMap(c.op.Variables)["filter"].(map[string]any)
	key := fmt.Sprintln(filter["startTime"], filter["endTime"], filter["trigger"])
	for _, o := range owners {
		c.logs[log{o.key, key}] = o.logs
	}
}

func groupNamed(ref map[string]any) owner {
	return owner{fmt.Sprintln("group", ref["groupId"], ref["projectId"], ref["region"]), policiesOfGroup}
}

// entries returns the entries of a list in arguments; none if they are too many.
func entries(list any) []any {
	all := graphql.CoerceList(list)
	if len(all) > maxNames {
		return nil
	}
	return all
}

// requestedRows returns the size of a page; 0 if it is rejected.
func requestedRows(args map[string]any) int {
	size := args["first"]
	if size == nil {
		size = args["last"]
	}
	if size == nil {
		return defaultRows
	}
	n, err := graphql.UnmarshalInt(size)
	if err != nil || n < 0 || n > maxRows {
		return 0
	}
	return n
}
