package loaders

import (
	"context"
	"errors"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/graph-gophers/dataloader/v7"

	"scalegraph/upstream"
)

// Parallel calls f with 0 to n-1 concurrently and returns its errors at the same indices. A panic in f becomes the error that it is in a resolver:
// in another goroutine it would end the process.
func Parallel(ctx context.Context, n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			defer func() {
				if value := recover(); value != nil {
					errs[i] = errors.Unwrap(graphql.Recover(ctx, value))
				}
			}()
			errs[i] = f(i)
		})
	}
	wg.Wait()
	return errs
}

// projectLoad fills the results of groups of one project, which it gets by their indices.
type projectLoad[V any] func(ctx context.Context, p upstream.Project, indices []int, results []*dataloader.Result[V])

// byProject calls load for each project of the groups, concurrently.
func byProject[V any](ctx context.Context, groups []upstream.Group, load projectLoad[V]) []*dataloader.Result[V] {
	projects := map[upstream.Project][]int{}
	for i, g := range groups {
		projects[projectOf(g)] = append(projects[projectOf(g)], i)
	}
	results := make([]*dataloader.Result[V], len(groups))
	var wg sync.WaitGroup
	for p, indices := range projects {
		wg.Go(func() {
			_, err := recoverCall(ctx, func(ctx context.Context) (struct{}, error) {
				load(ctx, p, indices, results)
				return struct{}{}, nil
			})
			for _, i := range indices {
				if results[i] == nil {
					results[i] = &dataloader.Result[V]{Error: err}
				}
			}
		})
	}
	wg.Wait()
	return results
}

func projectOf(g upstream.Group) upstream.Project {
	return upstream.Project{Region: g.Region, ID: g.Project}
}
