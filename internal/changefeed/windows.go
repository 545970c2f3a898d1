package changefeed

import (
	"context"
	"errors"
	"slices"

	"scalegraph/upstream"
)

const (
	// windowStride is how far apart consecutive windows begin. They share two rows.
	windowStride = upstream.MaxLimit - 2

	// maxPasses bounds how often readWindows reads the same offsets.
	maxPasses = 4
)

// crowded reports whether a page cannot be put together because one second has more rows than fit into an upstream call.
func crowded(err error) bool { return errors.Is(err, upstream.ErrTooManyTies) }

// readWindows reads the newest rows by offset until they are enough, for a log of which no page can be put together. The upstream may order
// the rows of one second differently in each call, so that some of them are in no window. They are read again, up to maxPasses times;
// s.unread is how many rows were still missing then.
func (r logReader) readWindows(ctx context.Context, s *snapshot, enough func() bool) error {
	first, err := r.readPass(ctx, s, func(window) bool { return enough() })
	for pass := 1; err == nil && pass < maxPasses; pass++ {
		if s.unread = first.missing(s, first.total); s.unread == 0 {
			return nil
		}
		var again window
		again, err = r.readPass(ctx, s, func(w window) bool { return w.end >= first.end })
		s.unread = first.missing(s, max(first.total, again.total))
	}
	return err
}

// A window describes the stretch of a log, from its newest row on, that was read by offset.
type window struct {
	end    int   // offset after the last row
	border int   // offset of the first row of the oldest second, which may have more rows behind the end
	oldest int64 // that second
	total  int   // rows in the log when its newest rows were read
}

// missing returns how many of the rows newer than the oldest second are not in s, for a log that has grown to a total.
func (w window) missing(s *snapshot, total int) int {
	known := 0
	for _, row := range s.rows {
		if w.border == w.end || row.StartTime.Unix() > w.oldest {
			known++
		}
	}
	return max(0, w.border+total-w.total-known)
}

// readPass reads windows from the newest row on until done.
func (r logReader) readPass(ctx context.Context, s *snapshot, done func(window) bool) (window, error) {
	var w window
	for offset := 0; ; offset += windowStride {
		l, err := r.source.List(ctx, upstream.ListQuery{
			Group: r.group, Offset: offset, Limit: upstream.MaxLimit, Sections: upstream.AllSections, BypassCache: true,
		})
		if err != nil {
			return w, err
		}
		s.read(l.At)
		s.add(l.Rows)
		slices.SortFunc(s.rows, func(a, b *upstream.Activity) int { return a.Point().Compare(b.Point()) })
		if offset == 0 {
			w.total = l.Total
		}
		w.extend(l)
		reachesEnd := w.end >= l.Total
		s.complete = s.complete || reachesEnd
		switch {
		case reachesEnd, len(s.rows) > 0 && done(w):
			return w, nil
		case len(l.Rows) == 0 || len(s.rows) > maxRows:
			return w, noKnownRow(s)
		}
	}
}

// extend moves the end of w to that of a listing.
func (w *window) extend(l upstream.Listing) {
	w.end = l.Offset + len(l.Rows)
	w.border = w.end
	if w.end >= l.Total || len(l.Rows) == 0 || l.Rows[len(l.Rows)-1] == nil {
		return
	}
	w.oldest = l.Rows[len(l.Rows)-1].StartTime.Unix()
	w.border = l.Offset + max(0, slices.IndexFunc(l.Rows, func(a *upstream.Activity) bool {
		return a != nil && a.StartTime.Unix() <= w.oldest
	}))
}
