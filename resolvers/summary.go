package resolvers

import (
	"context"
	"time"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// activitySummary counts what the client selected, and nothing else.
func (r *Resolver) activitySummary(ctx context.Context, g upstream.Group, in *model.ScalingActivityFilter) (*model.ScalingActivitySummary, error) {
	filter, err := filterOf(in)
	if err != nil {
		return nil, err
	}
	return r.summarize(ctx, upstream.CountQuery{Group: g, Filter: filter}, summarySelection(ctx))
}

// summarize fills the selected fields: with at most 14 counts, or with a count and a page where one page holds the whole log.
func (r *Resolver) summarize(ctx context.Context, q upstream.CountQuery, selected map[string]bool) (*model.ScalingActivitySummary, error) {
	t, err := r.tally(ctx, q, breakdownOf(q.Filter, selected))
	if err != nil {
		return nil, err
	}
	t.fill(q.Filter)
	return t.summary(q.Filter), nil
}

// breakdown is what must be asked for a summary, because the filter does not tell it already.
type breakdown struct {
	total bool
	parts []part
}

// part is all rows of one status, or of one type.
type part struct {
	status upstream.Status
	typ    upstream.Type
}

// within returns the filter that lets a part of f through.
func (p part) within(f upstream.Filter) upstream.Filter {
	if p.typ != "" {
		f.Types = []upstream.Type{p.typ}
		return f
	}
	f.Status = p.status
	return f
}

// summaryStatus names the status that each field of a summary counts.
var summaryStatus = []struct {
	field  string
	status upstream.Status
}{
	{"succeeded", upstream.StatusSuccess},
	{"failed", upstream.StatusFail},
	{"inProgress", upstream.StatusDoing},
}

func breakdownOf(f upstream.Filter, selected map[string]bool) breakdown {
	var b breakdown
	for _, s := range summaryStatus {
		if selected[s.field] && f.Status == "" {
			b.parts = append(b.parts, part{status: s.status})
		}
	}
	if selected["byType"] && len(f.Types) != 1 {
		for _, t := range countable(f) {
			b.parts = append(b.parts, part{typ: t})
		}
	}
	// A part alone is asked for itself. All else starts with the total, which may show that one page holds everything.
	known := f.Status != "" || len(f.Types) == 1
	b.total = len(b.parts) != 1 || known || selected["total"] || selected["byType"]
	return b
}

// countable returns the types that a filter lets through, in the order of the enum.
func countable(f upstream.Filter) []upstream.Type {
	if len(f.Types) == 0 {
		return upstream.Types()
	}
	var types []upstream.Type
	for _, t := range upstream.Types() {
		for _, wanted := range f.Types {
			if t == wanted {
				types = append(types, t)
			}
		}
	}
	return types
}

// tallies are the counts that a summary is made of.
type tallies struct {
	total int
	parts map[part]int
	asOf  time.Time // of the oldest
	stale bool      // any
}

// tally asks for a breakdown.
func (r *Resolver) tally(ctx context.Context, q upstream.CountQuery, b breakdown) (tallies, error) {
	if len(b.parts) <= 1 {
		return r.countParts(ctx, q, b)
	}
	whole, err := r.countParts(ctx, q, breakdown{total: true})
	if err != nil || whole.total == 0 {
		return whole, err
	}
	if whole.total <= upstream.MaxLimit {
		var all bool
		if whole, all, err = r.countRows(ctx, q); err != nil || all {
			return whole, err
		}
	}
	rest, err := r.countParts(ctx, q, breakdown{parts: b.parts})
	rest.total = whole.total
	rest.date(whole.asOf, whole.stale)
	return rest, err
}

// countParts asks for all of a breakdown in parallel.
func (r *Resolver) countParts(ctx context.Context, q upstream.CountQuery, b breakdown) (tallies, error) {
	asked := make([]upstream.Count, len(b.parts)+1)
	errs := parallel(ctx, len(asked), func(i int) (err error) {
		each := q
		if i < len(b.parts) {
			each.Filter = b.parts[i].within(q.Filter)
		} else if !b.total {
			return nil
		}
		asked[i], err = r.count(ctx, each)
		return err
	})
	t := tallies{parts: map[part]int{}}
	for i, n := range asked {
		if i < len(b.parts) {
			t.parts[b.parts[i]] = n.Total
		} else if b.total {
			t.total = n.Total
		} else {
			continue
		}
		t.date(n.AsOf, n.Stale)
	}
	return t, first(errs)
}

// countRows counts the rows of one page; all is false, and only the total is told, where the log has grown beyond it.
func (r *Resolver) countRows(ctx context.Context, q upstream.CountQuery) (t tallies, all bool, err error) {
	page, err := r.page(ctx, upstream.PageQuery{Group: q.Group, Filter: q.Filter, Count: upstream.MaxLimit})
	t = tallies{total: page.Total, parts: map[part]int{}, asOf: page.AsOf, stale: page.Stale}
	if err != nil || page.HasOlder {
		return t, false, err
	}
	for _, row := range page.Rows {
		t.parts[part{status: row.Status}]++
		t.parts[part{typ: row.Type}]++
	}
	return t, true, nil
}

// date takes another count's age and staleness over.
func (t *tallies) date(asOf time.Time, stale bool) {
	if t.asOf.IsZero() || asOf.Before(t.asOf) {
		t.asOf = asOf
	}
	t.stale = t.stale || stale
}

// fill adds what the filter tells without asking: all rows are of the one status or type that it lets through.
func (t *tallies) fill(f upstream.Filter) {
	if f.Status != "" {
		t.parts[part{status: f.Status}] = t.total
	}
	if len(f.Types) == 1 {
		t.parts[part{typ: f.Types[0]}] = t.total
	}
}

func (t *tallies) summary(f upstream.Filter) *model.ScalingActivitySummary {
	return &model.ScalingActivitySummary{
		Total:      total(t.total),
		Succeeded:  total(t.parts[part{status: upstream.StatusSuccess}]),
		Failed:     total(t.parts[part{status: upstream.StatusFail}]),
		InProgress: total(t.parts[part{status: upstream.StatusDoing}]),
		ByType:     t.byType(f),
		AsOf:       t.asOf,
		Stale:      t.stale,
	}
}

// byType leaves zeros out. What is of none of the documented types is UNKNOWN; a filter by type lets no such row through.
func (t *tallies) byType(f upstream.Filter) []model.ScalingActivityTypeCount {
	counts := []model.ScalingActivityTypeCount{}
	rest := t.total
	for _, typ := range countable(f) {
		n := t.parts[part{typ: typ}]
		rest -= n
		if n > 0 {
			counts = append(counts, model.ScalingActivityTypeCount{Type: typ, Count: total(n)})
		}
	}
	if rest > 0 && len(f.Types) == 0 {
		counts = append(counts, model.ScalingActivityTypeCount{Type: upstream.TypeUnknown, Count: total(rest)})
	}
	return counts
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
