package changefeed

import (
	"slices"

	"scalegraph/upstream"
)

// matches reports whether a row passes a filter. The upstream does not document the time window; as the example in its document
// suggests, a row matches if it started at StartTime or later and ended at EndTime or earlier. A row in progress has not ended.
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
