package resolvers

import (
	"context"
	"errors"
	"iter"

	"scalegraph/graph/model"
	"scalegraph/resolvers/cursor"
	"scalegraph/upstream"
)

// Changes subscribes the caller in ctx to changes of logs, until ctx ends. The first element has no kind, only the position at which the
// subscription begins; an error is the last one.
type Changes interface {
	Changes(ctx context.Context, q upstream.ChangeQuery) (iter.Seq2[upstream.Change, error], error)
}

// scalingActivityChanged returns a stream of changes. It ends with an error if one of the groups cannot be read.
func (r *Resolver) scalingActivityChanged(ctx context.Context, refs []*model.ScalingGroupRef, in *model.ScalingActivityFilter, since *string) (<-chan *model.ScalingActivityChange, error) {
	f, err := r.openChanges(ctx, refs, in, since, false)
	if err != nil {
		return nil, err
	}
	out := make(chan *model.ScalingActivityChange)
	go forward(ctx, f, out, f.change)
	return out, nil
}

// scalingFeed returns a stream of changes and of events about groups that cannot be read.
func (r *Resolver) scalingFeed(ctx context.Context, refs []*model.ScalingGroupRef, in *model.ScalingActivityFilter, since *string) (<-chan model.ScalingFeedEvent, error) {
	f, err := r.openChanges(ctx, refs, in, since, true)
	if err != nil {
		return nil, err
	}
	out := make(chan model.ScalingFeedEvent)
	go forward(ctx, f, out, func(c upstream.Change) model.ScalingFeedEvent { return r.feedEvent(ctx, f, c) })
	return out, nil
}

// A changeStream is a subscription that has begun.
type changeStream struct {
	next   func() (upstream.Change, error, bool)
	stop   func()
	scope  cursor.Scope
	events *events
}

func (r *Resolver) openChanges(ctx context.Context, refs []*model.ScalingGroupRef, in *model.ScalingActivityFilter, since *string, partial bool) (*changeStream, error) {
	if r.Changes == nil {
		return nil, errNoSubscriptions
	}
	events := eventsFrom(ctx)
	q, s, err := r.changeQuery(refs, in, events.since(since))
	if err != nil {
		return nil, err
	}
	q.Partial = partial
	changes, err := r.Changes.Changes(ctx, q)
	if errors.Is(err, upstream.ErrBadPosition) {
		err = badCursor("since", cursor.ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	next, stop := iter.Pull2(changes)
	begin, _, _ := next()
	events.begin(s.EncodeChange(begin.Position))
	return &changeStream{next, stop, s, events}, nil
}

func (r *Resolver) changeQuery(refs []*model.ScalingGroupRef, in *model.ScalingActivityFilter, since *string) (upstream.ChangeQuery, cursor.Scope, error) {
	groups, err := r.feedGroups(refs)
	if err != nil {
		return upstream.ChangeQuery{}, cursor.Scope{}, err
	}
	filter, err := filterOf(in)
	if err != nil {
		return upstream.ChangeQuery{}, cursor.Scope{}, err
	}
	q, s := upstream.ChangeQuery{Groups: groups, Filter: filter}, cursor.ForChanges(groups, filter).Keyed(r.Secret)
	if since != nil {
		q.Since, err = s.DecodeChange(*since)
	}
	if err != nil {
		err = badCursor("since", err)
	}
	return q, s, err
}

// forward sends changes to out until there are no more, or ctx ends.
func forward[T any](ctx context.Context, f *changeStream, out chan<- T, event func(upstream.Change) T) {
	defer close(out)
	defer f.stop()
	for {
		c, err, ok := f.next()
		if !ok {
			return
		}
		if err != nil {
			f.events.fail(err)
			return
		}
		var ev T
		switch {
		case c.Kind == upstream.ChangeIncomplete:
			f.events.push("", c.Err) // replaces the event, which has no value
		case c.Activity == nil:
			f.events.push("", nil)
			ev = event(c)
		default:
			f.events.push(f.scope.EncodeChange(c.Position), nil)
			ev = event(c)
		}
		select {
		case out <- ev:
		case <-ctx.Done():
			return
		}
	}
}

func (f *changeStream) change(c upstream.Change) *model.ScalingActivityChange {
	row := activity(c.Activity, nil)
	return &model.ScalingActivityChange{
		Cursor: f.scope.EncodeChange(c.Position), Kind: model.ScalingActivityChangeKind(c.Kind), Activity: &row,
	}
}

func (r *Resolver) feedEvent(ctx context.Context, f *changeStream, c upstream.Change) model.ScalingFeedEvent {
	switch c.Kind {
	case upstream.ChangeUnavailable:
		u := r.unavailable(ctx, []upstream.Unavailable{{Group: c.Group, Err: c.Err}})[0]
		return &model.ScalingGroupUnavailable{Group: &u.Group, Code: u.Code, Message: u.Message, Retryable: u.Retryable}
	case upstream.ChangeAvailable:
		return &model.ScalingGroupAvailable{Group: &c.Group}
	}
	return f.change(c)
}
