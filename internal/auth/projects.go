package auth

import (
	"context"
	"fmt"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Source lists rows of a log.
type Source interface {
	List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error)
}

// Confine returns a source that refuses what the caller may not read, whether it is kept below or not.
func Confine(s Source) Source { return confined{s} }

type confined struct{ Source }

func (c confined) List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	if !request.CallerFrom(ctx).MayRead(q.Group.Project) {
		return upstream.Listing{}, fmt.Errorf("%w: %.40q", request.ErrProjectForbidden, q.Group.Project)
	}
	return c.Source.List(ctx, q)
}
