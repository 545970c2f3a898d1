package emulator

import (
	"net/http"
	"net/url"
	"strings"
)

// Call names one of the calls that the emulator answers.
type Call string

// The calls. Each needs a permission of its own.
const (
	ActivityLog     Call = "activity log"
	Groups          Call = "groups"
	ShowGroup       Call = "group"
	Instances       Call = "instances"
	GroupPolicies   Call = "policies of a group"
	ProjectPolicies Call = "policies of a project"
	ShowPolicy      Call = "policy"
	Executions      Call = "executions"
)

// actions are the names of the permissions, as the documents spell them.
var actions = map[Call]string{
	ActivityLog:     "as:acivityLogs:list",
	Groups:          "as:groups:list",
	ShowGroup:       "as:groups:get",
	Instances:       "as:instances:list",
	GroupPolicies:   "as:policies:list",
	ProjectPolicies: "as:policies:list",
	ShowPolicy:      "as:policies:get",
	Executions:      "as:policyExecuteLogs:list",
}

// target is what a path names.
type target struct {
	call Call
	v2   bool
	place
	policy string // id; empty if the call names none
}

// target parses the path. The gateway knows the first segment, the service the rest.
func (e *Emulator) target(u *url.URL) (target, *refusal) {
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if parts[0] != "autoscaling-api" || len(parts) < 2 {
		return target{}, refuse(http.StatusNotFound, "APIG.0101", "The API does not exist or has not been published in the environment")
	}
	version := parts[1]
	if version != "v1" && version != "v2" {
		return target{}, refuse(e.versionStatus(), "AS.0033", "The version of the API is neither v1 nor v2.")
	}
	if len(parts) < 4 || parts[2] == "" {
		return target{}, unknownPath()
	}
	t := target{v2: version == "v2", place: place{project: unescape(parts[2])}}
	rest := parts[3:]
	for i := range rest {
		rest[i] = unescape(rest[i])
	}
	return t.resource(version+" "+rest[0], rest[1:])
}

// resource finds the call by version and resource; rest are the segments behind it.
func (t target) resource(name string, rest []string) (target, *refusal) {
	list := len(rest) == 2 && rest[1] == "list"
	switch {
	case name == "v2 scaling_activity_log" && len(rest) == 1:
		return t.ofGroup(ActivityLog, rest[0])
	case name == "v1 scaling_group" && len(rest) == 0:
		t.call = Groups
		return t, nil
	case name == "v1 scaling_group" && len(rest) == 1:
		return t.ofGroup(ShowGroup, rest[0])
	case name == "v1 scaling_group_instance" && list:
		return t.ofGroup(Instances, rest[0])
	case strings.HasSuffix(name, " scaling_policy") && list:
		return t.ofGroup(GroupPolicies, rest[0])
	case name == "v2 scaling_policy" && len(rest) == 0:
		t.call = ProjectPolicies
		return t, nil
	case strings.HasSuffix(name, " scaling_policy") && len(rest) == 1:
		return t.ofPolicy(ShowPolicy, rest[0])
	case name == "v1 scaling_policy_execute_log" && len(rest) == 1:
		return t.ofPolicy(Executions, rest[0])
	}
	return target{}, unknownPath()
}

func (t target) ofGroup(c Call, id string) (target, *refusal) {
	if id == "" {
		return target{}, bad("AS.2009", "The id of the scaling group is empty.")
	}
	t.call, t.group = c, id
	return t, nil
}

func (t target) ofPolicy(c Call, id string) (target, *refusal) {
	if id == "" {
		return target{}, bad("AS.3021", "The id of the scaling policy is empty.")
	}
	t.call, t.policy = c, id
	return t, nil
}

func unknownPath() *refusal {
	return refuse(http.StatusNotFound, "AS.0007", "The resource path is unknown.")
}

func (e *Emulator) versionStatus() int {
	if e.sw.Version == VersionBadRequest {
		return http.StatusBadRequest
	}
	return http.StatusNotFound
}

// unescape decodes a path segment, which net/http has found to be well formed.
func unescape(segment string) string {
	plain, err := url.PathUnescape(segment)
	if err != nil {
		return segment
	}
	return plain
}

// serve computes the body of a response to a permitted call, at one moment.
func (e *Emulator) serve(t target, g grant, values url.Values, req *Request) ([]byte, *refusal) {
	switch t.call {
	case Groups:
		return e.listGroups(t, g, values, req)
	case ShowGroup:
		return e.showGroup(t, g, req)
	case Instances:
		return e.listInstances(t, g, values, req)
	case GroupPolicies:
		return e.listGroupPolicies(t, g, values, req)
	case ProjectPolicies:
		return e.listProjectPolicies(t, g, values, req)
	case ShowPolicy:
		return e.showPolicy(t, g, req)
	case Executions:
		return e.listExecutions(t, g, values, req)
	default:
		return e.listActivities(t, g, values, req)
	}
}
