package main

import (
	"fmt"
	"time"

	"scalegraph/upstream/emulator"
)

// The data set: the same in every run.
const (
	project = "e179f773a6e0f3c09514b7dde2ad0478"
	token   = "bench-token"

	mainRows   = 5_000 // of groupID(0)
	smallRows  = 100   // of the many groups after it
	manyGroups = 1_000
)

// longRows are the lengths of the logs whose pages must cost the same.
var longRows = []int{1_000, 10_000, 100_000}

// groupID is the id of a group. Most lines use number 0.
func groupID(n int) string { return fmt.Sprintf("77a7a397-7d2f-4e79-9da9-%012d", n) }

// longID is the id of the group with a number of rows.
func longID(rows int) string { return groupID(1_000_000 + rows) }

// mainUpstream returns an emulator with the group that most lines use. It compresses responses if the request accepts gzip.
func mainUpstream() *emulator.Emulator {
	e := emulator.New(emulator.Switches{})
	e.AddToken(token, project)
	e.Insert(project, groupID(0), rows(mainRows)...)
	return e
}

// newUpstream returns an emulator with all groups.
func newUpstream() *emulator.Emulator {
	e := mainUpstream()
	few := rows(smallRows)
	for n := 1; n <= manyGroups; n++ {
		e.Insert(project, groupID(n), few...)
	}
	all := rows(longRows[len(longRows)-1])
	for _, n := range longRows {
		e.Insert(project, longID(n), all[:n]...)
	}
	return e
}

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// rows returns rows a minute apart, each of about 800 bytes in a response of the upstream.
func rows(n int) []emulator.Row {
	all := make([]emulator.Row, n)
	for i := range all {
		all[i] = row(i)
	}
	return all
}

func row(i int) emulator.Row {
	start := epoch.Add(time.Duration(i) * time.Minute)
	r := emulator.Row{
		ID: emulator.ID(i), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start.Add(47 * time.Second),
		InstanceValue: i % 40, DesireValue: i%40 + 3, ScalingValue: 3,
		Description: fmt.Sprintf(`{"reason":[{"change_reason":"ALARM","old_value":%d,"change_time":%q,"new_value":%d,"scaling_policy_id":"1b0e1f0a-6f5d-4c8e-9d0c-3a7a5d2a9c11","scaling_policy_name":"cpu-above-70"}]}`,
			i%40, start.Format(time.RFC3339), i%40+3),
		Added: []emulator.Instance{instance(i, 0), instance(i, 1)},
	}
	if i%9 == 0 {
		r.Failed = []emulator.Instance{instance(i, 2)}
		r.Failed[0].FailedReason, r.Failed[0].FailedDetails = "AS.7003", "The quota of servers of this project is used up."
	}
	return r
}

func instance(i, n int) emulator.Instance {
	return emulator.Instance{ID: fmt.Sprintf("b25c1589-c96c-465b-9fef-%06d%06d", i, n), Name: fmt.Sprintf("as-config-web-%06d-%d", i, n), Config: "c6.large.2"}
}
