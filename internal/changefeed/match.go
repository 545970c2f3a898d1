package changefeed

import (
	"slices"

	"scalegraph/upstream"
)

// matches reports whether a filter lets a row through. Of the documented but unexplained window we take what the documents'
// example suggests: the row started at startTime or later, and ended at endTime or earlier; one under way has not ended.
func matches(f upstream.Filter, a *upstream.Activity) bool {
	switch {
	case f.LogID != "" && a.LogID != f.LogID,
		f.Status != "" && a.Status != f.Status,
		len(f.Types) > 0 && !slices.Contains(f.Types, a.Type),
		!f.StartTime.IsZero() && a.StartTime.Before(f.StartTime):
		return false
	}
	return f.EndTime.IsZero() || !a.EndTime.IsZero() && !a.EndTime.After(f.EndTime)
}
