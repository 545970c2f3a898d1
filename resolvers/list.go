package resolvers

import (
	"slices"
	"sort"

	"scalegraph/graph/model"
	"scalegraph/resolvers/cursor"
)

// listWindow holds the checked arguments of a page of a list.
type listWindow struct {
	window
	scope         cursor.Scope
	after, before *cursor.Position
}

func (a pageArgs) listWindow(s cursor.Scope) (listWindow, error) {
	w, err := a.window()
	if err != nil {
		return listWindow{}, err
	}
	lw := listWindow{window: w, scope: s}
	if lw.after, err = positionAt(s, "after", a.after); err != nil {
		return listWindow{}, err
	}
	lw.before, err = positionAt(s, "before", a.before)
	return lw, err
}

func positionAt(s cursor.Scope, argument string, text *string) (*cursor.Position, error) {
	if text == nil {
		return nil, nil
	}
	p, err := s.DecodePosition(*text)
	if err != nil {
		return nil, badCursor(argument, err)
	}
	return &p, nil
}

// listEntry is an entry of a list with its position.
type listEntry[T any] struct {
	value *T
	at    cursor.Position
}

// sortedList returns the entries that match, in the order of their positions.
func sortedList[T any](all []*T, matches func(*T) bool, at func(*T) cursor.Position) []listEntry[T] {
	entries := make([]listEntry[T], 0, len(all))
	for _, e := range all {
		if matches(e) {
			entries = append(entries, listEntry[T]{e, at(e)})
		}
	}
	slices.SortStableFunc(entries, func(a, b listEntry[T]) int { return a.at.Compare(b.at) })
	return entries
}

// pageOf returns the entries of a page and its page info.
func pageOf[T any](all []listEntry[T], w listWindow) ([]listEntry[T], *model.PageInfo) {
	start, end := 0, len(all)
	if w.after != nil {
		start = sort.Search(len(all), func(i int) bool { return all[i].at.Compare(*w.after) > 0 })
	}
	if w.before != nil {
		end = max(start, sort.Search(len(all), func(i int) bool { return all[i].at.Compare(*w.before) >= 0 }))
	}
	if w.last {
		start = max(start, end-w.count)
	} else {
		end = min(end, start+w.count)
	}
	page := all[start:end]
	info := &model.PageInfo{HasNextPage: end < len(all), HasPreviousPage: start > 0}
	if len(page) > 0 {
		first, last := w.scope.EncodePosition(page[0].at), w.scope.EncodePosition(page[len(page)-1].at)
		info.StartCursor, info.EndCursor = &first, &last
	}
	return page, info
}
