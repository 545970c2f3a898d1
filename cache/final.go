package cache

import (
	"context"
	"math"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

// finals remembers for each group a second: what started before it has ended, for good. The look stays right however old it
// is; a younger one reaches further.
type finals struct {
	byGroup *otter.Cache[viewHash, final]
}

type final struct {
	second int64
	at     time.Time
}

const maxGroups = 1 << 14

func newFinals() *finals {
	return &finals{otter.Must(&otter.Options[viewHash, final]{MaximumSize: maxGroups})}
}

// of returns what is known of a group: nothing is final before the first look.
func (f *finals) of(group viewHash) final {
	if known, ok := f.byGroup.GetIfPresent(group); ok {
		return known
	}
	return final{second: math.MinInt64}
}

// saw takes note of the rows that run. Newest is the start of a row that was there before they were read.
func (f *finals) saw(group viewHash, newest int64, running upstream.Listing) {
	second := newest
	if len(running.Rows) < running.Total {
		return // the oldest is not among them
	}
	for _, row := range running.Rows {
		if row == nil {
			return
		}
		second = min(second, row.StartTime.Unix())
	}
	f.byGroup.Compute(group, func(known final, ok bool) (final, otter.ComputeOp) {
		if ok {
			second = max(second, known.second)
		}
		return final{second, running.At}, otter.WriteOp
	})
}

// finalBefore returns the second before which all rows of the group have ended, looking anew where the last look is no longer
// fresh. It must be called before the read that it is to vouch for.
func (l *Logs) finalBefore(ctx context.Context, v view, t *track) int64 {
	group := hashOf(v.group.Region, v.group.Project, v.group.ID)
	known := l.finals.of(group)
	newest, ok := t.newestSecond()
	if !ok || time.Since(known.at) < l.ages.fresh {
		return known.second
	}
	key := flightKey{view: group, part: doingPart, who: l.grants.credentialOf(upstream.CallerFrom(ctx), v.group.Project)}
	look, _ := l.flights.board(ctx, key, func(ctx context.Context, land func(outcome)) {
		q := upstream.ListQuery{Group: v.group, Filter: upstream.NewFilter(upstream.Filter{Status: upstream.StatusDoing}), Limit: upstream.MaxLimit}
		running, err := l.source.List(ctx, q)
		l.grants.learn(ctx, key.who, v.group, running.At, err)
		if err == nil {
			l.finals.saw(group, newest, running)
		}
		land(outcome{err: err})
	})
	if look.wait(ctx, nil) != nil {
		return known.second
	}
	return l.finals.of(group).second
}
