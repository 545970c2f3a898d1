package paging

import "scalegraph/upstream"

// page returns the span as a page. It is false if Total, HasNewer and HasOlder were not all true at one moment, because the log changed
// between the calls.
func (sp span) page(q upstream.PageQuery) (upstream.Page, bool) {
	page := upstream.Page{Rows: sp.rows, AsOf: sp.windows[0].at}
	page.Total, page.HasNewer, page.HasOlder = sp.surroundings()
	for _, v := range sp.windows {
		page.Stale = page.Stale || v.stale
		if v.at.Before(page.AsOf) {
			page.AsOf = v.at
		}
	}
	oneMoment := !sp.truncated(q) && !sp.startMoved(q) && !sp.tailExpired() && (sp.aligned || q.Filter.AppendOnly())
	if !oneMoment && len(sp.rows) > 0 {
		page.HasOlder = sp.olderFollow()
	}
	return page, oneMoment
}

// surroundings returns the total and whether rows lie before and after the span, as they were when the window with the newest
// row was read. Which rows lie before the span is in that window. Those behind it are counted: between the rows of a span
// nothing joins or leaves if the filter is append-only, or if all windows are aligned.
func (sp span) surroundings() (total int, newer, older bool) {
	v := sp.windows[0]
	before := min(v.rank(sp.start), v.total)
	if len(sp.rows) > 0 {
		v = sp.windowOf(sp.rows[0])
		before = v.rankOf(sp.rows[0])
	}
	return v.total, before > 0, before+len(sp.rows) < v.total
}

// truncated reports whether the span ends before the page is full because the log ended there, although rows followed when
// the newest row was read: they have expired, or left the filter, meanwhile.
func (sp span) truncated(q upstream.PageQuery) bool {
	_, newer, older := sp.surroundings()
	return sp.ended && (q.Last && newer || !q.Last && older)
}

// tailExpired reports whether rows of the span may have expired between the reads of its newest and its oldest row: more rows have expired than
// are in seconds before the one of the oldest row. Within a second rows expire in any order.
func (sp span) tailExpired() bool {
	if len(sp.rows) == 0 {
		return false
	}
	first, last := sp.rows[0], sp.rows[len(sp.rows)-1]
	v, u := sp.windowOf(first), sp.windowOf(last)
	expired := u.total - u.rankOf(last) + len(sp.rows) - 1 - (v.total - v.rankOf(first)) // since u was read; negative: since v was
	older := u.total - u.rank(u.firstAtOrBefore(last.StartTime.Unix()-1))
	return expired > older || expired < 0 && older == 0
}

// olderFollow reports whether rows lie behind the span, as it was when its oldest row was read. They cannot be counted if rows between them and
// the newest one joined or left between the calls.
func (sp span) olderFollow() bool {
	last := sp.rows[len(sp.rows)-1]
	v := sp.windowOf(last)
	return v.rankOf(last)+1 < v.total
}

// startMoved reports whether rows went at the place that the walk starts from between the first window and the one with the
// newest row: walking backward as many rows are behind the place in both; walking forward none are before the head, and none can have joined
// behind the place.
func (sp span) startMoved(q upstream.PageQuery) bool {
	total, newer, _ := sp.surroundings()
	if !q.Last {
		return newer && q.After == nil && q.Skip == 0 || sp.rowsMayPrecede(q)
	}
	first := sp.windows[0]
	behind := first.total - first.rank(sp.start)
	return len(sp.rows) > 0 && total-sp.windowOf(sp.rows[0]).rankOf(sp.rows[0])-len(sp.rows) != behind
}

// rowsMayPrecede reports whether rows may have joined between the requested place and the first row of the span, because the place is in the
// newest second of a window that is older than the one of that row.
func (sp span) rowsMayPrecede(q upstream.PageQuery) bool {
	if q.After == nil || len(sp.rows) == 0 {
		return false
	}
	first, v := sp.windows[0], sp.windowOf(sp.rows[0])
	grows := first.atHead() && (len(first.rows) == 0 || first.second(0) <= q.After.Second)
	return grows && first.at.Before(v.at) && first.total != v.total
}

// windowOf returns the window that a row of the span came from.
func (sp span) windowOf(row *upstream.Activity) *window {
	for _, v := range sp.windows {
		if v.complete(row.StartTime.Unix()) {
			return v
		}
	}
	return sp.windows[0]
}
