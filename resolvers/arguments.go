package resolvers

import (
	"errors"
	"fmt"
	"time"

	"scalegraph/graph/model"
	"scalegraph/internal/apierr"
	"scalegraph/resolvers/cursor"
	"scalegraph/upstream"
)

const (
	defaultRows = 20  // if neither first nor last is given
	maxRows     = 500 // the bound of first and last
)

// pageArgs are the arguments of a connection. Those that are absent or null are nil.
type pageArgs struct {
	filter *model.ScalingActivityFilter
	first  *int32
	after  *string
	last   *int32
	before *string
	offset *int32
}

// window is the checked part of pageArgs that is neither filter nor cursor.
type window struct {
	count int
	last  bool
	skip  int
}

func (a pageArgs) window() (window, error) {
	if a.first != nil && a.last != nil {
		return window{}, InvalidArgument("first", "and `last` cannot be combined")
	}
	if err := a.checkOffset(); err != nil {
		return window{}, err
	}
	if a.last != nil {
		n, err := pageSize("last", a.last)
		return window{count: n, last: true}, err
	}
	n, err := pageSize("first", a.first)
	if a.offset == nil {
		return window{count: n}, err
	}
	return window{count: n, skip: int(*a.offset)}, err
}

// pageSize returns the value of first or last, or the default if n is nil. It rejects values outside of 0 to maxRows.
func pageSize(argument string, n *int32) (int, error) {
	switch {
	case n == nil:
		return defaultRows, nil
	case *n < 0:
		return 0, InvalidArgument(argument, fmt.Sprintf("must not be negative; it is 0 to %d", maxRows))
	case *n > maxRows:
		return 0, InvalidArgument(argument, fmt.Sprintf("must be at most %d, not %d", maxRows, *n))
	}
	return int(*n), nil
}

func (a pageArgs) checkOffset() error {
	switch {
	case a.offset == nil:
		return nil
	case *a.offset < 0:
		return InvalidArgument("offset", "must not be negative")
	case a.after != nil:
		return InvalidArgument("offset", "and `after` cannot be combined")
	case a.before != nil:
		return InvalidArgument("offset", "and `before` cannot be combined")
	case a.last != nil:
		return InvalidArgument("offset", "and `last` cannot be combined")
	}
	return nil
}

// filterOf returns the canonical form of a filter; null is like an empty one.
func filterOf(in *model.ScalingActivityFilter) (upstream.Filter, error) {
	if in == nil {
		return upstream.Filter{}, nil
	}
	f := upstream.Filter{Types: in.Types}
	if in.StartTime != nil {
		f.StartTime = *in.StartTime
	}
	if in.EndTime != nil {
		f.EndTime = *in.EndTime
	}
	if in.Status != nil {
		f.Status = *in.Status
	}
	if in.LogID != nil {
		f.LogID = *in.LogID
	}
	return upstream.NewFilter(f), checkFilter(in, f)
}

func checkFilter(in *model.ScalingActivityFilter, f upstream.Filter) error {
	for _, t := range in.Types {
		if t == upstream.TypeUnknown {
			return InvalidArgument("filter.types", "must not hold UNKNOWN, which the upstream cannot filter by")
		}
	}
	switch {
	case !validTime(in.StartTime):
		return InvalidArgument("filter.startTime", "must lie in the years 1970 to 9999")
	case !validTime(in.EndTime):
		return InvalidArgument("filter.endTime", "must lie in the years 1970 to 9999")
	case f.Status == upstream.StatusUnknown:
		return InvalidArgument("filter.status", "must not be UNKNOWN, which the upstream cannot filter by")
	case in.StartTime != nil && in.EndTime != nil && in.EndTime.Before(*in.StartTime):
		return InvalidArgument("filter.endTime", "must not be before `filter.startTime`")
	case in.LogID != nil:
		return checkID("filter.logId", *in.LogID)
	}
	return nil
}

// validTime reports whether the upstream's time format can represent t. A nil t is valid.
func validTime(t *time.Time) bool {
	return t == nil || t.Unix() >= 0 && t.Unix() < cursor.MaxSecond
}

// pageQuery checks the arguments of one group's connection. The sections are left to the caller.
func (r *Resolver) pageQuery(g upstream.Group, a pageArgs) (upstream.PageQuery, cursor.Scope, error) {
	w, err := a.window()
	if err != nil {
		return upstream.PageQuery{}, cursor.Scope{}, err
	}
	filter, err := filterOf(a.filter)
	if err != nil {
		return upstream.PageQuery{}, cursor.Scope{}, err
	}
	s := cursor.ForGroup(g, filter).Keyed(r.Secret)
	q := upstream.PageQuery{Group: g, Filter: filter, Skip: w.skip, Count: w.count, Last: w.last}
	if q.After, err = pointAt(s, "after", a.after); err != nil {
		return q, s, err
	}
	q.Before, err = pointAt(s, "before", a.before)
	return q, s, err
}

// feedQuery checks the arguments of a merged feed. The groups are canonical; the sections are left to the caller.
func (r *Resolver) feedQuery(groups []upstream.Group, a pageArgs) (upstream.FeedQuery, cursor.Scope, error) {
	w, err := a.window()
	if err != nil {
		return upstream.FeedQuery{}, cursor.Scope{}, err
	}
	filter, err := filterOf(a.filter)
	if err != nil {
		return upstream.FeedQuery{}, cursor.Scope{}, err
	}
	s := cursor.ForFeed(groups, filter).Keyed(r.Secret)
	q := upstream.FeedQuery{Groups: groups, Filter: filter, Count: w.count, Last: w.last}
	if q.After, err = feedPointAt(s, groups, "after", a.after); err != nil {
		return q, s, err
	}
	q.Before, err = feedPointAt(s, groups, "before", a.before)
	return q, s, err
}

func pointAt(s cursor.Scope, argument string, text *string) (*upstream.Point, error) {
	if text == nil {
		return nil, nil
	}
	p, err := s.DecodeRow(*text, 1)
	if err != nil {
		return nil, badCursor(argument, err)
	}
	return &upstream.Point{Second: p.Second, LogID: p.LogID}, nil
}

func feedPointAt(s cursor.Scope, groups []upstream.Group, argument string, text *string) (*upstream.FeedPoint, error) {
	if text == nil {
		return nil, nil
	}
	p, err := s.DecodeRow(*text, len(groups))
	if err != nil {
		return nil, badCursor(argument, err)
	}
	return &upstream.FeedPoint{Second: p.Second, Group: groups[p.Index], LogID: p.LogID}, nil
}

// badCursor returns the error for an argument with an invalid cursor.
func badCursor(argument string, err error) error {
	switch {
	case errors.Is(err, cursor.ErrScope):
		return &Error{Code: apierr.CursorMismatch, Message: "`" + argument + "` is a cursor of other groups or another filter."}
	case errors.Is(err, cursor.ErrVersion):
		return &Error{Code: apierr.CursorExpired, Message: "`" + argument + "` is a cursor of another version of this server; start again without it."}
	}
	return InvalidArgument(argument, "is not a cursor of this server")
}
