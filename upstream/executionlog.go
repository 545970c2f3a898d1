package upstream

import (
	"cmp"
	"strings"
	"time"
)

// ExecutionPoint is a place in the merged execution logs of several policies: second descending, then policy id and log id ascending. The
// upstream's order inside one second is not documented.
type ExecutionPoint struct {
	Second   int64 // Unix time of the execution
	PolicyID string
	LogID    string
}

// Compare is negative if p comes before q in the order, that is if p is newer.
func (p ExecutionPoint) Compare(q ExecutionPoint) int {
	return cmp.Or(cmp.Compare(q.Second, p.Second), strings.Compare(p.PolicyID, q.PolicyID), strings.Compare(p.LogID, q.LogID))
}

// ExecutionQuery asks for at most Count executions of several policies between two places.
type ExecutionQuery struct {
	Policies []PolicyRef // of one project, each once
	Filter   ExecutionFilter
	After    *ExecutionPoint // only older ones; nil: from the newest
	Before   *ExecutionPoint // only newer ones; nil: to the oldest
	Count    int             // 0 to 500
	Last     bool            // the oldest Count between the places, not the newest
}

// ExecutionPage is the response to an ExecutionQuery. It is shared: nobody may change it.
type ExecutionPage struct {
	Rows        []*Execution // newest first, in the order of ExecutionPoint
	HasNewer    bool         // an execution comes before the first of Rows
	HasOlder    bool         // an execution comes after the last of Rows
	Total       int          // executions that the filter lets through, of the policies that could be read
	AsOf        time.Time    // when the oldest part was read from the upstream
	Stale       bool         // the upstream failed and a cached copy was served instead
	Unavailable []UnavailablePolicy
}

// UnavailablePolicy is a policy whose execution log could not be read, and why.
type UnavailablePolicy struct {
	Policy PolicyRef
	Err    error
}

// MergedPoint returns the place of the entry in a merged log.
func (e *Execution) MergedPoint() ExecutionPoint {
	return ExecutionPoint{e.ExecutedAt.Unix(), e.Policy.ID, e.LogID}
}

// Key returns a text that is equal for equal filters and different for different ones.
func (f ExecutionFilter) Key() string { return f.query().Encode() }

// NewExecutionFilter returns f with its times in UTC and widened to whole seconds.
func NewExecutionFilter(f ExecutionFilter) ExecutionFilter {
	widened := NewFilter(Filter{StartTime: f.StartTime, EndTime: f.EndTime})
	f.StartTime, f.EndTime = widened.StartTime, widened.EndTime
	return f
}
