package cache

import (
	"context"
	"math"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

// finalityCache caches for each group the second before which all started activities have ended. The value stays true however old it is; a
// newer one is larger.
type finalityCache struct {
	byGroup *otter.Cache[keyHash, finality]
}

const maxGroups = 1 << 14

func newFinalityCache() *finalityCache {
	return &finalityCache{otter.Must(&otter.Options[keyHash, finality]{MaximumSize: maxGroups})}
}

// get returns the cached value of a group. Before the first read nothing is final.
func (f *finalityCache) get(group keyHash) finality {
	if known, ok := f.byGroup.GetIfPresent(group); ok {
		return known
	}
	return finality{before: math.MinInt64}
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
func (f *finalityCache) record(group keyHash, update finality) finality {
	merged, _ := f.byGroup.Compute(group, func(known finality, ok bool) (finality, otter.ComputeOp) {
		if ok {
			update.before, update.at = max(update.before, known.before), later(update.at, known.at)
		}
		return update, otter.WriteOp
	})
	return merged
}

// finalBefore returns the second before which all rows of the group have ended. It asks the upstream again if the cached value is no
// longer fresh. It must be called before the read whose rows are judged by it.
func (c *Cache) finalBefore(ctx context.Context, group upstream.Group, req accessRequest, st *logState) int64 {
	f := c.finality.get(req.group)
	newest, ok := st.newestSecond()
	if !ok || time.Since(f.at) < c.ttls.fresh {
		return f.before
	}
	key := flightKey{log: req.group, block: runningID, credential: req.credential}
	fl, _ := c.flights.do(ctx, key, func(ctx context.Context, deliver func(fetchResult)) {
		if remote := c.store.loadFinality(ctx, req.group); !remote.at.IsZero() {
			if remote = c.finality.record(req.group, remote); time.Since(remote.at) < c.ttls.fresh {
				deliver(fetchResult{})
				return
			}
		}
		q := upstream.ListQuery{Group: group, Filter: upstream.NewFilter(upstream.Filter{Status: upstream.StatusDoing}), Limit: upstream.MaxLimit}
		running, err := c.source.List(ctx, q)
		c.grants.record(ctx, req, running.At, err)
		if second, ok := oldestRunning(newest, running); ok && err == nil {
			c.store.publishFinality(req.group, c.finality.record(req.group, finality{second, running.At}))
		}
		deliver(fetchResult{err: err})
	})
	if fl.wait(ctx, nil) != nil {
		return f.before
	}
	return c.finality.get(req.group).before
}
