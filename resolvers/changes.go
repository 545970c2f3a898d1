package resolvers

import (
	"context"
	"errors"
	"iter"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// Changes subscribes to what happens in logs, with the caller in ctx, until ctx ends. The first element has no activity and
// tells where the subscription begins; an error is the last one.
type Changes interface {
	Changes(ctx context.Context, q upstream.ChangeQuery) (iter.Seq2[upstream.Change, error], error)
}

// scalingActivityChanged answers a stream of changes.
func (r *Resolver) scalingActivityChanged(ctx context.Context, refs []*model.ScalingGroupRef, in *model.ScalingActivityFilter, since *string) (<-chan *model.ScalingActivityChange, error) {
	if r.Changes == nil {
		return nil, errNoSubscriptions
	}
	events := eventsFrom(ctx)
	q, s, err := r.changeQuery(refs, in, events.since(since))
	if err != nil {
		return nil, err
	}
	changes, err := r.Changes.Changes(ctx, q)
	if errors.Is(err, upstream.ErrPositionGarbled) {
		err = badCursor("since", errCursorGarbled)
	}
	if err != nil {
		return nil, err
	}
	next, stop := iter.Pull2(changes)
	begin, _, _ := next()
	events.begin(s.sinceCursor(begin.Position))
	out := make(chan *model.ScalingActivityChange)
	go func() {
		defer close(out)
		defer stop()
		forward(ctx, next, s, events, out)
	}()
	return out, nil
}

func (r *Resolver) changeQuery(refs []*model.ScalingGroupRef, in *model.ScalingActivityFilter, since *string) (upstream.ChangeQuery, scope, error) {
	groups, err := r.feedGroups(refs)
	if err != nil {
		return upstream.ChangeQuery{}, scope{}, err
	}
	filter, err := filterOf(in)
	if err != nil {
		return upstream.ChangeQuery{}, scope{}, err
	}
	q, s := upstream.ChangeQuery{Groups: groups, Filter: filter}, newScope("changes", groups, filter)
	if since != nil {
		q.Since, err = s.since(*since)
	}
	if err != nil {
		err = badCursor("since", err)
	}
	return q, s, err
}

// forward hands changes on until there are no more, or nobody takes them.
func forward(ctx context.Context, next func() (upstream.Change, error, bool), s scope, events *events, out chan<- *model.ScalingActivityChange) {
	for {
		c, err, ok := next()
		if !ok {
			return
		}
		if err != nil {
			events.fail(err)
			return
		}
		row := activity(c.Activity, nil)
		change := &model.ScalingActivityChange{Cursor: s.sinceCursor(c.Position), Kind: model.ScalingActivityChangeKind(c.Kind), Activity: &row}
		events.push(change.Cursor)
		select {
		case out <- change:
		case <-ctx.Done():
			return
		}
	}
}

// A cursor of a change is base64url over: version, scope, the position of the subscription.
func (s scope) sinceCursor(position []byte) string {
	raw := make([]byte, 0, 1+len(s)+len(position))
	raw = append(raw, cursorVersion)
	raw = append(raw, s[:]...)
	return opaque(append(raw, position...))
}

// since reads a cursor of a change. The error is one of the errCursor values.
func (s scope) since(cursor string) ([]byte, error) {
	raw, ok := transparent(cursor)
	switch {
	case !ok || len(raw) <= 1+len(s):
		return nil, errCursorGarbled
	case raw[0] != cursorVersion && raw[0] >= oldestForeign && raw[0] <= newestForeign:
		return nil, errCursorVersion
	case raw[0] != cursorVersion:
		return nil, errCursorGarbled
	case scope(raw[1:1+len(s)]) != s:
		return nil, errCursorMismatch
	}
	return raw[1+len(s):], nil
}
