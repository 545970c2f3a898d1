package telemetry

import "testing"

func TestSpansAreNamedByTheResource(t *testing.T) {
	for path, want := range map[string]string{
		"/autoscaling-api/v2/p/scaling_activity_log/g":        "GET scaling_activity_log",
		"/autoscaling-api/v1/p/scaling_group":                 "GET scaling_group",
		"/autoscaling-api/v1/p/scaling_group_instance/g/list": "GET scaling_group_instance",
		"/autoscaling-api/v1/p/scaling_policy_execute_log/x":  "GET scaling_policy_execute_log",
		"/autoscaling-api/v1/p/another/x":                     "GET",
	} {
		if got := spanName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
