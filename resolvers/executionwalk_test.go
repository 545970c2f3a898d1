package resolvers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scalegraph/cache/inventory"
	"scalegraph/internal/executionlog"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// movingExecutions is a group with policies that fire, expire and vanish while clients walk over their executions.
type movingExecutions struct {
	t        *testing.T
	emulator *emulator.Emulator
	run      runner
	policies []string
	now      time.Time // of the newest execution
	count    int

	cursors map[string]string // of all executions that any walk has seen
}

func newMovingExecutions(t *testing.T, policies int, fresh time.Duration, ties emulator.Ties) (m *movingExecutions, end func()) {
	m = &movingExecutions{t: t, emulator: emulator.New(emulator.Switches{Access: emulator.AccessOpen, Ties: ties}), now: newestStart, cursors: map[string]string{}}
	m.emulator.AddGroup(project, groupID(0))
	for i := range policies {
		m.policies = append(m.policies, policyID(0, i))
		m.emulator.PutPolicies(project, emulator.Policy{ID: policyID(0, i), Name: "policy", Resource: groupID(0)})
	}
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"default": "http://upstream.test"}, Transport: m.emulator.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	lists := inventory.New(client, inventory.Config{Fresh: fresh, Memory: 8 << 20})
	m.run = newRunner(t, New(Config{Inventory: lists, Executions: executionlog.New(lists), Region: "default", DefaultProject: project}))
	return m, func() { lists.Close(); client.Close() }
}

// fire adds executions of random policies, each at most three seconds newer than the one before.
func (m *movingExecutions) fire(rt *rapid.T, n int) {
	for range n {
		m.count++
		m.now = m.now.Add(time.Duration(rapid.IntRange(0, 3).Draw(rt, "gap")) * time.Second)
		x := emulator.Execution{ID: fmt.Sprintf("%06d", m.count*7919%1_000_003), Time: m.now, Old: 1, Desire: 2} // in no order
		m.emulator.PutExecutions(project, rapid.SampledFrom(m.policies).Draw(rt, "policy"), x)
	}
}

// change lets policies fire, expires a part of a log, or deletes a policy.
func (m *movingExecutions) change(rt *rapid.T) {
	policy := rapid.SampledFrom(m.policies).Draw(rt, "changed")
	switch rapid.IntRange(0, 9).Draw(rt, "change") {
	case 0:
		if log := m.emulator.ExecutionLog(project, policy); len(log) > 0 {
			m.emulator.ExpireExecutions(project, policy, log[rapid.IntRange(0, len(log)-1).Draw(rt, "from")].Time)
		}
	case 1:
		m.emulator.RemovePolicy(project, policy)
	default:
		m.fire(rt, rapid.IntRange(0, 10).Draw(rt, "more"))
	}
}

// executionKey is the place of an execution in the merged order.
type executionKey struct {
	second        int64
	policy, logID string
}

func (k executionKey) compare(other executionKey) int {
	return cmp.Or(cmp.Compare(other.second, k.second), cmp.Compare(k.policy, other.policy), cmp.Compare(k.logID, other.logID))
}

// all returns the executions that there are now.
func (m *movingExecutions) all() map[executionKey]bool {
	there := map[executionKey]bool{}
	for _, p := range m.policies {
		for _, x := range m.emulator.ExecutionLog(project, p) {
			there[executionKey{x.Time.Unix(), p, x.ID}] = true
		}
	}
	return there
}

// executionWalk is a walk over all executions in one direction, page by page.
type executionWalk struct {
	*movingExecutions
	backward bool
	arg      string // of the next page; empty at first
	done     bool
	seen     []executionKey // newest first
}

// step reads a page, and checks that every execution has the cursor that it had in any walk before.
func (w *executionWalk) step(rt *rapid.T) {
	size, at := "first", "after"
	if w.backward {
		size, at = "last", "before"
	}
	arguments := fmt.Sprintf("%s: %d", size, rapid.IntRange(10, 60).Draw(rt, "size"))
	if w.arg != "" {
		arguments += fmt.Sprintf(", %s: %q", at, w.arg)
	}
	page := w.page(rt, arguments)
	var keys []executionKey
	for _, e := range page.Edges {
		k := executionKey{e.Node.ExecutedAt.Unix(), e.Node.Policy.PolicyID, e.Node.LogID}
		if known := w.cursors[k.policy+" "+k.logID]; known != "" && known != e.Cursor {
			rt.Fatalf("%v has the cursor %s, before %s", k, e.Cursor, known)
		}
		w.cursors[k.policy+" "+k.logID] = e.Cursor
		keys = append(keys, k)
	}
	more := page.PageInfo.HasNextPage
	if w.backward {
		w.seen, more = append(keys, w.seen...), page.PageInfo.HasPreviousPage
	} else {
		w.seen = append(w.seen, keys...)
	}
	if w.done = !more || len(keys) == 0; w.done {
		return
	}
	w.arg = page.Edges[len(keys)-1].Cursor
	if w.backward {
		w.arg = page.Edges[0].Cursor
	}
}

type executionEdges struct {
	Edges []struct {
		Cursor string
		Node   struct {
			LogID      string
			ExecutedAt time.Time
			Policy     struct{ PolicyID string }
		}
	}
	PageInfo struct{ HasNextPage, HasPreviousPage bool }
}

func (m *movingExecutions) page(rt *rapid.T, arguments string) executionEdges {
	response := m.run.ask(m.t, fmt.Sprintf(`{scalingGroup(groupId: %q) {policyExecutions(%s) {
		edges {cursor node {logId executedAt policy {policyId}}} pageInfo {hasNextPage hasPreviousPage}}}}`, groupID(0), arguments))
	var data struct {
		ScalingGroup struct{ PolicyExecutions executionEdges }
	}
	if err := json.Unmarshal(response.Data, &data); err != nil || len(response.Errors) > 0 {
		rt.Fatalf("(%s): %v, %v", arguments, response.Errors, err)
	}
	return data.ScalingGroup.PolicyExecutions
}

// check wants every execution that was there at the start and still is, once and in order.
func (w *executionWalk) check(rt *rapid.T, start map[executionKey]bool) {
	for i := 1; i < len(w.seen); i++ {
		if w.seen[i-1].compare(w.seen[i]) >= 0 {
			rt.Fatalf("backward %v: %v is there twice, or out of order", w.backward, w.seen[i])
		}
	}
	there := w.all()
	for k := range start {
		if there[k] && !slices.Contains(w.seen, k) {
			rt.Fatalf("backward %v: %v was not seen", w.backward, k)
		}
	}
}

// Clients that walk in both directions at once, in pages of any size, by the cursors that they receive, while policies fire, expire and vanish: each
// sees every execution once and in order, and an execution has the same cursor for all of them, on every page.
func TestExecutionsHaveOneCursor(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fresh := rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(rt, "fresh")
		ties := rapid.SampledFrom([]emulator.Ties{emulator.TiesNewestFirst, emulator.TiesByID, emulator.TiesUnstable}).Draw(rt, "ties")
		m, end := newMovingExecutions(t, rapid.SampledFrom([]int{1, 2, 5, 20}).Draw(rt, "policies"), fresh, ties)
		defer end()
		m.fire(rt, rapid.IntRange(0, 100).Draw(rt, "executions"))
		start := m.all()
		open := []*executionWalk{{movingExecutions: m}, {movingExecutions: m, backward: true}}
		for _, w := range slices.Clone(open) {
			w.step(rt)
		}
		walks := slices.Clone(open)
		for {
			open = slices.DeleteFunc(open, func(w *executionWalk) bool { return w.done })
			if len(open) == 0 {
				break
			}
			m.change(rt)
			rapid.SampledFrom(open).Draw(rt, "walk").step(rt)
		}
		for _, w := range walks {
			w.check(rt, start)
		}
	})
}
