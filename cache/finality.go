package cache

import (
	"context"
	"math"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/cache/access"
	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// finalityCache caches for each group the second before which all started activities have ended. The value stays true however old it is; a
// newer one is larger.
type finalityCache struct {
	byGroup *otter.Cache[cachekey.Hash, block.Finality]
}

const maxGroups = 1 << 14

func newFinalityCache() *finalityCache {
	return &finalityCache{otter.Must(&otter.Options[cachekey.Hash, block.Finality]{MaximumSize: maxGroups})}
}

// get returns the cached value of a group. Before the first read nothing is final.
func (f *finalityCache) get(group cachekey.Hash) block.Finality {
	if known, ok := f.byGroup.GetIfPresent(group); ok {
		return known
	}
	return block.Finality{Before: math.MinInt64}
}

// oldestRunning returns the start of the oldest running activity, or newest if none runs. Newest is the start of a row that existed before
// the running ones were read. It returns false if the oldest one cannot be determined.
func oldestRunning(newest int64, running upstream.Listing) (second int64, ok bool) {
	second = newest
	if len(running.Rows) < running.Total {
		return 0, false // the oldest one is not on the page
	}
	for _, row := range running.Rows {
		if row == nil {
			return 0, false
		}
		second = min(second, row.StartTime.Unix())
	}
	return second, true
}

// record merges an update into the cached value and returns the result.
func (f *finalityCache) record(group cachekey.Hash, update block.Finality) block.Finality {
	merged, _ := f.byGroup.Compute(group, func(known block.Finality, ok bool) (block.Finality, otter.ComputeOp) {
		if ok {
			update.Before = max(update.Before, known.Before)
			if known.At.After(update.At) {
				update.At = known.At
			}
		}
		return update, otter.WriteOp
	})
	return merged
}

// finalBefore returns the second before which all rows of the group have ended. It asks the upstream again if the cached value is no
// longer fresh and the caller has calls to spare. It must be called before the rows are read that the result is applied to.
func (c *Cache) finalBefore(ctx context.Context, group upstream.Group, req access.Request, st *block.State) int64 {
	f := c.finality.get(req.Group)
	newest, ok := st.NewestSecond()
	if !ok || time.Since(f.At) < c.ttls.fresh {
		return f.Before
	}
	key := flightKey{log: req.Group, block: block.Running, credential: req.Credential}
	fl, _ := c.flights.do(ctx, key, func(ctx context.Context, deliver func(fetchResult)) {
		if remote := c.store.LoadFinality(ctx, req.Group); !remote.At.IsZero() {
			if remote = c.finality.record(req.Group, remote); time.Since(remote.At) < c.ttls.fresh {
				deliver(fetchResult{})
				return
			}
		}
		if !request.CallerFrom(ctx).HasSpareCalls() {
			deliver(fetchResult{})
			return
		}
		q := upstream.ListQuery{Group: group, Filter: upstream.NewFilter(upstream.Filter{Status: upstream.StatusDoing}), Limit: upstream.MaxLimit}
		running, err := c.source.List(ctx, q)
		c.grants.Record(ctx, req, running.At, err)
		if second, ok := oldestRunning(newest, running); ok && err == nil {
			c.store.PublishFinality(req.Group, c.finality.record(req.Group, block.Finality{Before: second, At: running.At}))
		}
		deliver(fetchResult{err: err})
	})
	if c.flights.wait(ctx, fl, waitLimits{}) != nil {
		return f.Before
	}
	return c.finality.get(req.Group).Before
}
