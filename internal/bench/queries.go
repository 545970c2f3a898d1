package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The selections: eight fields, every field that the upstream sends, and the same for Tailcall in the upstream's words.
const (
	eightFields = `logId type status startTime endTime desireValue instanceValue scalingValue`
	instances   = `{ instanceId instanceName instanceConfig failure { reason details } }`
	changes     = `{ lbaasListener { listenerId poolId protocolPort weight } classicListener failure { reason details } }`
	everyField  = eightFields + ` description ` +
		`addedInstances ` + instances + ` removedInstances ` + instances + ` deletedInstances ` + instances + ` failedInstances ` + instances +
		` standbyInstances ` + instances + ` boundLoadBalancers ` + changes + ` bindFailedLoadBalancers ` + changes +
		` unboundLoadBalancers ` + changes + ` unbindFailedLoadBalancers ` + changes

	eightMembers   = `id type status start_time end_time desire_value instance_value scaling_value`
	memberInstance = `{ instance_id instance_name failed_reason failed_details instance_config }`
	memberChange   = `{ listener lbaas_listener { listener_id pool_id protocol_port weight } failed_reason failed_details }`
	everyMember    = eightMembers + ` description instance_added_list ` + memberInstance + ` instance_deleted_list ` + memberInstance +
		` instance_removed_list ` + memberInstance + ` instance_failed_list ` + memberInstance + ` instance_standby_list ` + memberInstance +
		` lb_bind_success_list ` + memberChange + ` lb_bind_failed_list ` + memberChange + ` lb_unbind_success_list ` + memberChange +
		` lb_unbind_failed_list ` + memberChange
)

// body is a request in JSON on one line.
func body(query string, variables map[string]any) string {
	text, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		panic(err) // strings and numbers alone
	}
	return string(text)
}

// page requests the newest rows of a group.
func page(group string, rows int, fields string) string {
	return body(`query Page($g: ID!, $n: Int) { scalingGroup(groupId: $g) { activities(first: $n) { totalCount nodes { `+fields+` } } } }`,
		map[string]any{"g": group, "n": rows})
}

// tailcallPage is the same query for Tailcall. The root field determines whether its cache may serve it.
func tailcallPage(root, group string, rows int, members string) string {
	return body(fmt.Sprintf(`query Page($p: String!, $g: String!, $n: Int!) { %s(project: $p, group: $g, limit: $n) { total_number scaling_activity_log { %s } } }`, root, members),
		map[string]any{"p": project, "g": group, "n": rows})
}

// deep requests pages that begin at a random row between two. No two requests are equal, so that no cached response helps.
func deep(group string, from, to int) string {
	page := body(`query Deep($g: ID!, $o: Int) { scalingGroup(groupId: $g) { activities(first: 20, offset: $o) { totalCount nodes { `+eightFields+` } } } }`,
		map[string]any{"g": group, "o": fmt.Sprintf("@o:%d-%d@", from, to)})
	return varying(strings.TrimSuffix(page, "}") + `,"extensions":{"unlike":"@u:1-1000000000@"}}`)
}

// varying turns the texts that are placeholders for numbers into bare ones.
func varying(body string) string { return strings.NewReplacer(`"@`, `@`, `@"`, `@`).Replace(body) }

// varied returns bodies with random sizes and offsets of six selections, so that no two requests are equal.
func varied() []string {
	selections := []string{
		`totalCount nodes { ` + eightFields + ` }`,
		`nodes { id logId status outcome direction } pageInfo { hasNextPage endCursor }`,
		`edges { cursor node { id type startTime endTime durationSeconds } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount`,
		`asOf stale nodes { logId rawType rawStatus description reasons { changeReason oldValue newValue } }`,
		`edges { cursor node { logId addedInstances ` + instances + ` } }`,
		`totalCount nodes { logId status failedInstances ` + instances + ` ... on ScalingActivity { started: startTime ended: endTime } }`,
	}
	var bodies []string
	for _, s := range selections {
		text := body(`query Varied($g: ID!, $n: Int, $o: Int) { scalingGroup(groupId: $g) { groupId activities(first: $n, offset: $o) { `+s+` } } }`,
			map[string]any{"g": groupID(0), "n": "@n:5-100@", "o": "@o:0-4500@"})
		bodies = append(bodies, varying(text))
	}
	return bodies
}

// manyPages returns a body for each of many groups, so that no two requests in flight are for the same one.
func manyPages(query func(group string) string) []string {
	var bodies []string
	for n := 1; n <= manyGroups; n++ {
		bodies = append(bodies, query(groupID(n)))
	}
	return bodies
}

// groupsPerQuery and rowsPerGroup are the shape of a query over several groups.
const (
	groupsPerQuery = 10
	rowsPerGroup   = 10
)

// several requests ten groups in one query, beginning with number n.
func several(n int) string {
	refs := make([]any, groupsPerQuery)
	for i := range refs {
		refs[i] = map[string]any{"groupId": groupID(n + i)}
	}
	return body(`query Several($g: [ScalingGroupRef!]!, $n: Int) { scalingGroups(groups: $g) { groupId activities(first: $n) { totalCount nodes { `+eightFields+` } } } }`,
		map[string]any{"g": refs, "n": rowsPerGroup})
}

// tailcallSeveral requests the same from Tailcall, with an alias for each group.
func tailcallSeveral(root string, n int) string {
	var fields strings.Builder
	for i := range groupsPerQuery {
		fmt.Fprintf(&fields, ` g%d: %s(project: %q, group: %q, limit: %d) { total_number scaling_activity_log { %s } }`, i, root, project, groupID(n+i), rowsPerGroup, eightMembers)
	}
	return body(`query Several {`+fields.String()+` }`, nil)
}

// manySeveral returns bodies for all groups, ten groups each.
func manySeveral(query func(first int) string) []string {
	var bodies []string
	for n := 1; n+groupsPerQuery <= manyGroups; n += groupsPerQuery {
		bodies = append(bodies, query(n))
	}
	return bodies
}
