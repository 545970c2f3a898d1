package execution

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/request"
)

// Admit rejects an operation if its caller has spent its budget. Nothing has been executed then.
func (e *Executor) Admit(ctx context.Context, c *request.Caller, cost int) gqlerror.List {
	if e.cfg.Admit == nil {
		return nil
	}
	wait := e.cfg.Admit(ctx, c, cost)
	if wait <= 0 {
		return nil
	}
	return gqlerror.List{rateLimited(wait, "This caller asks for more than it may in a minute; try again later.")}
}

// rateLimited is the error of a limit of ours that will be over.
func rateLimited(wait time.Duration, message string) *gqlerror.Error {
	err := apierr.New(apierr.RateLimited, "%s", message)
	err.Extensions["retryAfterSeconds"] = max(1, int64(math.Ceil(wait.Seconds())))
	return err
}

// Acquire counts an operation of any transport as in flight, and rejects it if there are too many. The caller must call Release once, even if the
// operation was rejected.
func (e *Executor) Acquire() *Rejection {
	if n := e.inFlight.Add(1); e.cfg.InFlight > 0 && n > int64(e.cfg.InFlight) {
		return &Rejection{http.StatusServiceUnavailable, rateLimited(time.Second, "The server has more requests in flight than it may; try again later.")}
	}
	return nil
}

// Release undoes one call of Acquire.
func (e *Executor) Release() { e.inFlight.Add(-1) }

// AcquireCost waits until the cost of op fits into Config.CostInFlight. Unless op is rejected, release must be called once.
func (e *Executor) AcquireCost(ctx context.Context, op *graphql.OperationContext) (release func(), rejected *Rejection) {
	return e.budget.acquire(ctx, request.CallerFrom(ctx), costOf(op))
}
