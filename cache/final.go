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

// oldestRunning returns the start of the oldest row that runs. Newest is the start of a row that was there before they were read. It is
// false where that cannot be told.
func oldestRunning(newest int64, running upstream.Listing) (second int64, ok bool) {
	second = newest
	if len(running.Rows) < running.Total {
		return 0, false // the oldest is not among them
	}
	for _, row := range running.Rows {
		if row == nil {
			return 0, false
		}
		second = min(second, row.StartTime.Unix())
	}
	return second, true
}

// note adds what is final to what was, and returns what that makes.
func (f *finals) note(group viewHash, more final) final {
	known, _ := f.byGroup.Compute(group, func(known final, ok bool) (final, otter.ComputeOp) {
		if ok {
			more.second, more.at = max(more.second, known.second), later(more.at, known.at)
		}
		return more, otter.WriteOp
	})
	return known
}

// finalBefore returns the second before which all rows of the group have ended, looking anew where the last look is no longer
// fresh. It must be called before the read that it is to vouch for.
func (l *Logs) finalBefore(ctx context.Context, group upstream.Group, c claim, t *track) int64 {
	known := l.finals.of(c.group)
	newest, ok := t.newestSecond()
	if !ok || time.Since(known.at) < l.ages.fresh {
		return known.second
	}
	key := flightKey{view: c.group, part: doingPart, who: c.who}
	look, _ := l.flights.board(ctx, key, func(ctx context.Context, land func(outcome)) {
		if there := l.store.final(ctx, c.group); !there.at.IsZero() {
			if there = l.finals.note(c.group, there); time.Since(there.at) < l.ages.fresh {
				land(outcome{})
				return
			}
		}
		q := upstream.ListQuery{Group: group, Filter: upstream.NewFilter(upstream.Filter{Status: upstream.StatusDoing}), Limit: upstream.MaxLimit}
		running, err := l.source.List(ctx, q)
		l.grants.learn(ctx, c, running.At, err)
		if second, ok := oldestRunning(newest, running); ok && err == nil {
			l.store.tellFinal(c.group, l.finals.note(c.group, final{second, running.At}))
		}
		land(outcome{err: err})
	})
	if look.wait(ctx, nil) != nil {
		return known.second
	}
	return l.finals.of(c.group).second
}
