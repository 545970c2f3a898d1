package resolvers

import (
	"context"
	"errors"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// parallel calls f with 0 to n-1, all at once, and returns its errors at the same indices. A panic in f is the error that it is
// in a resolver; outside of one it would end the process.
func parallel(ctx context.Context, n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			defer func() {
				if fault := recover(); fault != nil {
					errs[i] = errors.Unwrap(graphql.Recover(ctx, fault))
				}
			}()
			errs[i] = f(i)
		})
	}
	wg.Wait()
	return errs
}
