package inventory

import (
	"context"
	"fmt"

	"scalegraph/upstream"
)

// maxEntries bounds a list: ten times the largest documented quota.
const maxEntries = 10_000

// attempts is how often a list is read that changes between the calls.
const attempts = 3

// readAll reads a list in calls of 100 entries. Neighbouring calls overlap by one entry if that costs no further call, and agree on the total;
// if they do not fit together, the list changed meanwhile and is read again. id identifies an entry.
func readAll[T any](ctx context.Context, call func(context.Context, upstream.Range) (upstream.Items[T], error), id func(*T) string) (upstream.Snapshot[T], error) {
	for range attempts {
		list, err := readOnce(ctx, call, id)
		if err != nil {
			return upstream.Snapshot[T]{}, err
		}
		if list != nil {
			return *list, nil
		}
	}
	return upstream.Snapshot[T]{}, fmt.Errorf("the list changed during each of %d reads: %w", attempts, upstream.ErrBadResponse)
}

// readOnce returns nil if the list changed while it was read.
func readOnce[T any](ctx context.Context, call func(context.Context, upstream.Range) (upstream.Items[T], error), id func(*T) string) (*upstream.Snapshot[T], error) {
	first, err := call(ctx, upstream.Range{Limit: upstream.MaxLimit})
	if err != nil {
		return nil, err
	}
	if first.Total > maxEntries {
		return nil, fmt.Errorf("the list has %d entries, which cannot be: %w", first.Total, upstream.ErrBadResponse)
	}
	overlap := overlapOf(first.Total)
	entries := first.Entries
	for len(entries) < first.Total {
		next, err := call(ctx, upstream.Range{Offset: len(entries) - overlap, Limit: upstream.MaxLimit})
		if err != nil {
			return nil, err
		}
		if next.Total != first.Total || len(next.Entries) <= overlap || !meet(entries, next.Entries[:overlap], id) {
			return nil, nil
		}
		entries = append(entries[:len(entries):len(entries)], next.Entries[overlap:]...)
	}
	return distinct(upstream.Snapshot[T]{Entries: entries, AsOf: first.At}, id), nil
}

// overlapOf returns how many entries neighbouring calls share: one, unless that needs another call.
func overlapOf(total int) int {
	calls := (total + upstream.MaxLimit - 1) / upstream.MaxLimit
	if total+calls-1 <= calls*upstream.MaxLimit {
		return 1
	}
	return 0
}

// meet reports whether the entries so far end with those that the next call began with.
func meet[T any](entries, shared []*T, id func(*T) string) bool {
	for i, e := range shared {
		last := entries[len(entries)-len(shared)+i]
		if (e == nil) != (last == nil) || e != nil && id(e) != id(last) {
			return false
		}
	}
	return true
}

// distinct leaves out entries that cannot be identified. It returns nil if one is there twice: it moved while the list was read.
func distinct[T any](list upstream.Snapshot[T], id func(*T) string) *upstream.Snapshot[T] {
	seen := make(map[string]bool, len(list.Entries))
	known := make([]*T, 0, len(list.Entries))
	for _, e := range list.Entries {
		if e == nil {
			continue
		}
		if seen[id(e)] {
			return nil
		}
		seen[id(e)] = true
		known = append(known, e)
	}
	list.Entries = known
	return &list
}
