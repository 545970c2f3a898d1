// Package summary counts the activities of a group by status and type, so that all counts belong to one moment.
package summary

import (
	"context"
	"slices"
	"time"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/upstream"
)

// Source counts rows and reads pages of a log.
type Source interface {
	Count(ctx context.Context, q upstream.CountQuery) (upstream.Count, error)
	Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error)
}

// Read returns the selected counts, by the names of their fields; the others are 0. They belong to one moment since AsOf. If the log changes faster
// than it can be counted, each belongs to such a moment, and none contradicts the total.
func Read(ctx context.Context, from Source, q upstream.CountQuery, selected map[string]bool) (*model.ScalingActivitySummary, error) {
	c, err := reader{from}.loadCounts(ctx, q, planCounts(q.Filter, selected))
	if err != nil {
		return nil, err
	}
	c.applyFilter(q.Filter)
	return c.summary(q.Filter), nil
}

// countPlan lists the counts that a summary needs and that its filter does not imply.
type countPlan struct {
	total bool
	keys  []breakdownKey
}

// breakdownKey selects all rows of one status, or of one type.
type breakdownKey struct {
	status upstream.Status
	typ    upstream.Type
}

// within returns the filter for the rows of f that k selects.
func (k breakdownKey) within(f upstream.Filter) upstream.Filter {
	if k.typ != "" {
		f.Types = []upstream.Type{k.typ}
		return f
	}
	f.Status = k.status
	return f
}

// summaryStatus maps each field of a summary to the status that it counts.
var summaryStatus = []struct {
	field  string
	status upstream.Status
}{
	{"succeeded", upstream.StatusSuccess},
	{"failed", upstream.StatusFail},
	{"inProgress", upstream.StatusDoing},
}

func planCounts(f upstream.Filter, selected map[string]bool) countPlan {
	var p countPlan
	for _, s := range summaryStatus {
		if selected[s.field] && f.Status == "" {
			p.keys = append(p.keys, breakdownKey{status: s.status})
		}
	}
	if selected["byType"] && len(f.Types) != 1 {
		for _, t := range countable(f) {
			p.keys = append(p.keys, breakdownKey{typ: t})
		}
	}
	// One count alone needs no total. Several start with the total, which may show that one page holds the whole log.
	implied := f.Status != "" || len(f.Types) == 1
	p.total = len(p.keys) != 1 || implied || selected["total"] || selected["byType"]
	return p
}

// hasTypes reports whether the plan counts every type that the filter lets through.
func (p countPlan) hasTypes() bool {
	return slices.ContainsFunc(p.keys, func(k breakdownKey) bool { return k.typ != "" })
}

// hasStatuses reports whether the plan counts every documented status.
func (p countPlan) hasStatuses() bool {
	n := 0
	for _, k := range p.keys {
		if k.status != "" {
			n++
		}
	}
	return n == len(summaryStatus)
}

// countable returns the documented types that a filter lets through, in the order of the enum.
func countable(f upstream.Filter) []upstream.Type {
	if len(f.Types) == 0 {
		return upstream.Types()
	}
	return slices.DeleteFunc(upstream.Types(), func(t upstream.Type) bool { return !slices.Contains(f.Types, t) })
}

// summaryCounts are the counts of a summary.
type summaryCounts struct {
	total     int
	totalAsOf time.Time
	parts     map[breakdownKey]int
	unknown   int       // rows of undocumented types, if proven
	asOf      time.Time // of the oldest count
	stale     bool      // any count is stale
}

// mergeFreshness accounts for the age and staleness of another count.
func (c *summaryCounts) mergeFreshness(asOf time.Time, stale bool) {
	if c.asOf.IsZero() || asOf.Before(c.asOf) {
		c.asOf = asOf
	}
	c.stale = c.stale || stale
}

// applyFilter sets the counts that the filter implies: all rows are of the one status or type that it lets through.
func (c *summaryCounts) applyFilter(f upstream.Filter) {
	if f.Status != "" {
		c.parts[breakdownKey{status: f.Status}] = c.total
	}
	if len(f.Types) == 1 {
		c.parts[breakdownKey{typ: f.Types[0]}] = c.total
	}
}

// sums returns how many rows were counted by type and by status.
func (c *summaryCounts) sums() (types, statuses int) {
	for _, t := range upstream.Types() {
		types += c.parts[breakdownKey{typ: t}]
	}
	for _, s := range summaryStatus {
		statuses += c.parts[breakdownKey{status: s.status}]
	}
	return types, statuses
}

func (c *summaryCounts) summary(f upstream.Filter) *model.ScalingActivitySummary {
	return &model.ScalingActivitySummary{
		Total:      scalar.ClampInt(c.total),
		Succeeded:  scalar.ClampInt(c.parts[breakdownKey{status: upstream.StatusSuccess}]),
		Failed:     scalar.ClampInt(c.parts[breakdownKey{status: upstream.StatusFail}]),
		InProgress: scalar.ClampInt(c.parts[breakdownKey{status: upstream.StatusDoing}]),
		ByType:     c.byType(f),
		AsOf:       c.asOf,
		Stale:      c.stale,
	}
}

// byType returns the counts that are not 0. Rows of undocumented types are UNKNOWN.
func (c *summaryCounts) byType(f upstream.Filter) []model.ScalingActivityTypeCount {
	counts := []model.ScalingActivityTypeCount{}
	for _, typ := range countable(f) {
		if n := c.parts[breakdownKey{typ: typ}]; n > 0 {
			counts = append(counts, model.ScalingActivityTypeCount{Type: typ, Count: scalar.ClampInt(n)})
		}
	}
	if c.unknown > 0 {
		counts = append(counts, model.ScalingActivityTypeCount{Type: upstream.TypeUnknown, Count: scalar.ClampInt(c.unknown)})
	}
	return counts
}
