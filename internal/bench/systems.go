package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	oneReplica  = "scalegraph, one replica"
	twoReplicas = "scalegraph, two replicas and Redis"
)

func startOneReplica(s *stage) (system, error) {
	err := s.startProduct("product", "upstream")
	return s.productSystem(oneReplica, "product"), err
}

func startTwoReplicas(s *stage) (system, error) {
	if err := s.startRedis(); err != nil { // and the first replica
		return system{}, err
	}
	err := s.startProduct("second replica", "upstream", s.redisURL())
	sys := s.productSystem(twoReplicas, "first replica", "second replica")
	sys.parts = append(sys.parts, "Redis")
	return sys, err
}

func (s *stage) productSystem(name string, replicas ...string) system {
	sys := system{name: name, parts: replicas, poll: func(group string) string { return page(group, rowsPerPage, eightFields) }, walk: cursorWalk, feed: mergedFeed}
	for _, r := range replicas {
		sys.urls = append(sys.urls, s.url(r))
	}
	return sys
}

// cursorWalk requests a page of a walk by its cursor.
func cursorWalk(group string, _ int, cursor string) string {
	variables := map[string]any{"g": group, "n": rowsPerPage}
	if cursor != "" {
		variables["after"] = cursor
	}
	return body(`query Walk($g: ID!, $n: Int, $after: String) { scalingGroup(groupId: $g) { activities(first: $n, after: $after) { pageInfo { endCursor } nodes { `+eightFields+` } } } }`,
		variables)
}

// mergedFeed requests the newest rows of several groups, merged by the server.
func mergedFeed(groups []string) string {
	return body(`query Feed($g: [ScalingGroupRef!]!, $n: Int) { scalingActivities(groups: $g, first: $n) { nodes { group { groupId } `+eightFields+` } } }`,
		map[string]any{"g": groupRefs(groups), "n": rowsPerPage})
}

func groupRefs(groups []string) []any {
	refs := make([]any, len(groups))
	for i, id := range groups {
		refs[i] = map[string]any{"groupId": id}
	}
	return refs
}

// startGateway starts gqlgen without a cache. Walks go by offset, and the client merges feeds.
func startGateway(s *stage) (system, error) {
	err := s.role("gateway", "gateway", "-upstream", "http://"+s.parts["upstream"].address)
	return system{
		name: "plain gqlgen, no cache", urls: []string{s.url("gateway")}, parts: []string{"gateway"},
		poll: func(group string) string { return page(group, rowsPerPage, eightFields) },
		walk: func(group string, n int, _ string) string {
			return body(`query Walk($g: ID!, $n: Int, $o: Int) { scalingGroup(groupId: $g) { activities(first: $n, offset: $o) { nodes { `+eightFields+` } } } }`,
				map[string]any{"g": group, "n": rowsPerPage, "o": n * rowsPerPage})
		},
		feed: func(groups []string) string {
			return body(`query Feed($g: [ScalingGroupRef!]!, $n: Int) { scalingGroups(groups: $g) { activities(first: $n) { nodes { `+eightFields+` } } } }`,
				map[string]any{"g": groupRefs(groups), "n": rowsPerPage})
		},
	}, err
}

// startFleetTailcall starts Tailcall with the product's freshness as TTL. The system has no name if Tailcall is not installed.
func startFleetTailcall(s *stage) (system, error) {
	if err := s.startTailcall(5 * time.Second); err != nil || s.parts["Tailcall"] == nil {
		return system{}, err
	}
	return system{
		name: "Tailcall, TTL 5 s", urls: []string{s.url("Tailcall")}, parts: []string{"Tailcall"},
		poll: func(group string) string { return tailcallPage("logs", group, rowsPerPage, eightMembers) },
		walk: func(group string, n int, _ string) string {
			return body(`query Walk($p: String!, $g: String!, $o: Int!, $n: Int!) { logs(project: $p, group: $g, start: $o, limit: $n) { scaling_activity_log { `+eightMembers+` } } }`,
				map[string]any{"p": project, "g": group, "o": n * rowsPerPage, "n": rowsPerPage})
		},
		feed: func(groups []string) string {
			var fields strings.Builder
			for i, group := range groups {
				fmt.Fprintf(&fields, ` g%d: logs(project: %q, group: %q, limit: %d) { scaling_activity_log { %s } }`, i, project, group, rowsPerPage, eightMembers)
			}
			return body(`query Feed {`+fields.String()+` }`, nil)
		},
	}, nil
}
