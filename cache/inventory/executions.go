package inventory

import (
	"context"
	"fmt"

	"scalegraph/upstream"
)

// Executions returns the part r of the execution log of a policy, as the only entry of the snapshot. Parts are cached one by one, because a log
// can be long; with bypass none is served from the cache. An unknown policy is upstream.ErrNotFound.
func (c *Cache) Executions(ctx context.Context, policy upstream.PolicyRef, f upstream.ExecutionFilter, r upstream.Range, bypass bool) (upstream.Snapshot[upstream.Items[upstream.Execution]], error) {
	if bypass {
		ctx = withBypass(ctx)
	}
	k := c.key(ctx, upstream.CallExecutions, upstream.Group(policy))
	k.part = fmt.Sprintf("%d+%d %s", r.Offset, r.Limit, f.Key())
	return read(ctx, c, k, func(ctx context.Context) (upstream.Snapshot[upstream.Items[upstream.Execution]], error) {
		items, err := c.source.ListExecutions(ctx, policy, f, r)
		return upstream.Snapshot[upstream.Items[upstream.Execution]]{Entries: []*upstream.Items[upstream.Execution]{&items}, AsOf: items.At}, err
	})
}
