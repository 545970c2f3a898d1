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

// RestrictProjects returns a source that fails with request.ErrProjectForbidden for projects that the caller may not read, even if s
// has their rows cached.
func RestrictProjects(s Source) Source { return projectFilter{s} }

type projectFilter struct{ Source }

func (c projectFilter) List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	if !request.CallerFrom(ctx).MayRead(q.Group.Project) {
		return upstream.Listing{}, fmt.Errorf("%w: %.40q", request.ErrProjectForbidden, q.Group.Project)
	}
	return c.Source.List(ctx, q)
}
