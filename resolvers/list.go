package resolvers

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
	"strings"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// position is the place of an entry in a list that is paged from memory: second descending, then the two texts ascending, by code point.
// Nothing in it changes while the entry keeps its place, so an entry has the same cursor in every response.
type position struct {
	second int64
	texts  [2]string
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(q.second, p.second), strings.Compare(p.texts[0], q.texts[0]), strings.Compare(p.texts[1], q.texts[1]))
}

// listScope returns the scope of the cursors of a list: what kind of list, of which project or group, under which filter.
func listScope(kind string, g upstream.Group, filter string) scope {
	b := appendText(nil, kind)
	b = appendGroup(b, g)
	b = append(b, filter...)
	return hashedScope(b)
}

// positionCursor returns the cursor of a position.
func (s scope) positionCursor(p position) string {
	b := append([]byte{cursorVersion}, s.hash[:]...)
	b = binary.AppendVarint(b, p.second)
	b = appendText(b, p.texts[0])
	return opaque(s.key.seal(appendText(b, p.texts[1])))
}

// position reads a cursor. The error is one of the errCursor values.
func (s scope) position(cursor string) (position, error) {
	raw, ok := transparent(cursor)
	if ok && len(raw) > 0 && raw[0] != cursorVersion && raw[0] <= newestForeign {
		return position{}, errCursorVersion
	}
	body, signed := s.key.open(raw)
	u := unpacker{body, ok && signed && len(body) > 0}
	version := u.byte()
	var of scope
	copy(of.hash[:], u.bytes(scopeSize))
	p := position{second: u.varint()}
	p.texts[0], p.texts[1] = u.text(), u.text()
	switch {
	case !u.done() || version != cursorVersion:
		return position{}, errCursorGarbled
	case of.hash != s.hash:
		return position{}, errCursorMismatch
	case s.positionCursor(p) != cursor:
		return position{}, errCursorGarbled // one position has one cursor
	}
	return p, nil
}

// listWindow is a page of a list, checked.
type listWindow struct {
	window
	scope         scope
	after, before *position
}

func (a pageArgs) listWindow(s scope) (listWindow, error) {
	w, err := a.window()
	if err != nil {
		return listWindow{}, err
	}
	lw := listWindow{window: w, scope: s}
	if lw.after, err = s.positionAt("after", a.after); err != nil {
		return listWindow{}, err
	}
	lw.before, err = s.positionAt("before", a.before)
	return lw, err
}

func (s scope) positionAt(argument string, cursor *string) (*position, error) {
	if cursor == nil {
		return nil, nil
	}
	p, err := s.position(*cursor)
	if err != nil {
		return nil, badCursor(argument, err)
	}
	return &p, nil
}

// listEntry is an entry of a list with its place.
type listEntry[T any] struct {
	value *T
	at    position
}

// sortedList returns the entries that match, in the order of their positions.
func sortedList[T any](all []*T, matches func(*T) bool, at func(*T) position) []listEntry[T] {
	entries := make([]listEntry[T], 0, len(all))
	for _, e := range all {
		if matches(e) {
			entries = append(entries, listEntry[T]{e, at(e)})
		}
	}
	slices.SortStableFunc(entries, func(a, b listEntry[T]) int { return a.at.compare(b.at) })
	return entries
}

// pageOf returns the entries of a page and where it lies.
func pageOf[T any](all []listEntry[T], w listWindow) ([]listEntry[T], *model.PageInfo) {
	start, end := 0, len(all)
	if w.after != nil {
		start = sort.Search(len(all), func(i int) bool { return all[i].at.compare(*w.after) > 0 })
	}
	if w.before != nil {
		end = max(start, sort.Search(len(all), func(i int) bool { return all[i].at.compare(*w.before) >= 0 }))
	}
	if w.last {
		start = max(start, end-w.count)
	} else {
		end = min(end, start+w.count)
	}
	page := all[start:end]
	info := &model.PageInfo{HasNextPage: end < len(all), HasPreviousPage: start > 0}
	if len(page) > 0 {
		first, last := w.scope.positionCursor(page[0].at), w.scope.positionCursor(page[len(page)-1].at)
		info.StartCursor, info.EndCursor = &first, &last
	}
	return page, info
}
