package summary

import (
	"cmp"
	"context"
	"maps"

	"scalegraph/resolvers/loaders"
	"scalegraph/upstream"
)

// maxRecounts bounds how often counts that do not fit together are read again.
const maxRecounts = 4

// reader reads the counts of one log.
type reader struct{ Source }

// loadCounts reads the counts of a plan: at most 14 of them, or the total and one page if the page holds all rows. Counts that
// do not fit together, because they were read at different times, are read again past the cache.
func (r reader) loadCounts(ctx context.Context, q upstream.CountQuery, p countPlan) (summaryCounts, error) {
	if len(p.keys) <= 1 {
		c, err := r.readCounts(ctx, q, p)
		if err != nil {
			return c, err
		}
		return r.reconcile(ctx, q, p, c)
	}
	whole, err := r.readCounts(ctx, q, countPlan{total: true})
	if err != nil || whole.total == 0 {
		return whole, err
	}
	if whole.total <= upstream.MaxLimit {
		var all bool
		if whole, all, err = r.countRows(ctx, q); err != nil || all {
			return whole, err
		}
	}
	c, err := r.readCounts(ctx, q, countPlan{keys: p.keys})
	if err != nil {
		return c, err
	}
	c.total, c.totalAsOf = whole.total, whole.totalAsOf
	c.mergeFreshness(whole.asOf, whole.stale)
	return r.reconcile(ctx, q, p, c)
}

// readCounts reads all counts of a plan in parallel.
func (r reader) readCounts(ctx context.Context, q upstream.CountQuery, p countPlan) (summaryCounts, error) {
	results := make([]upstream.Count, len(p.keys)+1)
	errs := loaders.Parallel(ctx, len(results), func(i int) (err error) {
		each := q
		if i < len(p.keys) {
			each.Filter = p.keys[i].within(q.Filter)
		} else if !p.total {
			return nil
		}
		results[i], err = r.Count(ctx, each)
		return err
	})
	c := summaryCounts{parts: map[breakdownKey]int{}}
	for i, k := range p.keys {
		c.parts[k] = results[i].Total
		c.mergeFreshness(results[i].AsOf, results[i].Stale)
	}
	if whole := results[len(p.keys)]; p.total {
		c.total, c.totalAsOf = whole.Total, whole.AsOf
		c.mergeFreshness(whole.AsOf, whole.Stale)
	}
	return c, cmp.Or(errs...)
}

// countRows counts the rows of one page. If the log has become longer than a page, all is false and only the total is set.
func (r reader) countRows(ctx context.Context, q upstream.CountQuery) (c summaryCounts, all bool, err error) {
	page, err := r.Page(ctx, upstream.PageQuery{Group: q.Group, Filter: q.Filter, Count: upstream.MaxLimit})
	c = summaryCounts{total: page.Total, totalAsOf: page.AsOf, parts: map[breakdownKey]int{}, asOf: page.AsOf, stale: page.Stale}
	if err != nil || page.HasOlder {
		return c, false, err
	}
	for _, row := range page.Rows {
		c.parts[breakdownKey{status: row.Status}]++
		c.parts[breakdownKey{typ: row.Type}]++
	}
	if len(q.Filter.Types) == 0 {
		types, _ := c.sums()
		c.unknown = c.total - types
	}
	return c, true, nil
}

// reconcile returns c if its counts fit together, or counts read past the cache that do. If none of these do, or if the
// upstream fails, the total is at least the sum of each breakdown, and no row is reported as of an unknown type.
func (r reader) reconcile(ctx context.Context, q upstream.CountQuery, p countPlan, c summaryCounts) (summaryCounts, error) {
	if !p.total {
		return c, nil
	}
	var previous summaryCounts
	q.BypassCache = true
	for range maxRecounts {
		if ok, err := r.consistent(ctx, q, p, &c, previous); ok || err != nil {
			return c, err
		}
		if c.stale {
			break
		}
		previous = c
		var err error
		if c, err = r.readCounts(ctx, q, p); err != nil {
			return c, err
		}
	}
	types, statuses := c.sums()
	c.total = max(c.total, types, statuses)
	return c, nil
}

// consistent reports whether all counts are of one moment: the breakdowns add up to the total, or two consecutive reads are equal. It sets
// c.unknown to the rest of the total that is not of a documented type, if othersProven confirms it. q bypasses the cache.
func (r reader) consistent(ctx context.Context, q upstream.CountQuery, p countPlan, c *summaryCounts, previous summaryCounts) (bool, error) {
	types, statuses := c.sums()
	if types > c.total || statuses > c.total {
		return false, nil
	}
	repeated := c.total == previous.total && maps.Equal(c.parts, previous.parts)
	if p.hasStatuses() && statuses < c.total && !repeated {
		return false, nil
	}
	if !p.hasTypes() || types == c.total {
		return true, nil
	}
	if len(q.Filter.Types) > 0 {
		return repeated, nil
	}
	proven, err := r.othersProven(ctx, q, *c)
	if proven {
		c.unknown = c.total - types
	}
	return proven, err
}

// othersProven reports whether rows of undocumented types account for what the documented types leave of the total: all documented types
// counted at once are as many as counted one by one, and the total is the same, twice in turn. Once is not enough: a row that expires before
// the first of these counts and one that starts after it leave the total as it was.
func (r reader) othersProven(ctx context.Context, q upstream.CountQuery, c summaryCounts) (bool, error) {
	types, _ := c.sums()
	documented := q
	documented.Filter.Types = upstream.Types()
	documented.Filter = upstream.NewFilter(documented.Filter)
	for range 2 {
		n, err := r.Count(ctx, documented)
		if err != nil || n.Stale || n.Total != types || n.AsOf.Before(c.totalAsOf) {
			return false, err
		}
		again, err := r.Count(ctx, q)
		if err != nil || again.Stale || again.Total != c.total {
			return false, err
		}
	}
	return true, nil
}
