package gqlhttp

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/request"
)

// admit refuses an operation whose caller has spent its budget. Nothing has been executed then.
func (e *engine) admit(ctx context.Context, c *request.Caller, cost int) gqlerror.List {
	if e.cfg.Admit == nil {
		return nil
	}
	wait := e.cfg.Admit(ctx, c, cost)
	if wait <= 0 {
		return nil
	}
	return gqlerror.List{limited(wait, "This caller asks for more than it may in a minute; try again later.")}
}

// limited is the error of a limit of ours that will be over.
func limited(wait time.Duration, message string) *gqlerror.Error {
	err := apierr.New(apierr.RateLimited, "%s", message)
	err.Extensions["retryAfterSeconds"] = max(1, int64(math.Ceil(wait.Seconds())))
	return err
}

// enter counts a request as under way, and refuses it where too many are. Streams leave when they begin; what they do then is
// bounded elsewhere.
func (x *exchange) enter() *refusal {
	x.entered = true
	if err := x.acquire(); err != nil {
		return &refusal{http.StatusServiceUnavailable, err}
	}
	return nil
}

// acquire counts an operation as in flight, whatever its transport; it must be followed by one release, with an error, too. The error says
// that too many are.
func (h *handler) acquire() *gqlerror.Error {
	if n := h.flying.Add(1); h.cfg.InFlight > 0 && n > int64(h.cfg.InFlight) {
		return limited(time.Second, "The server has more requests in flight than it may; try again later.")
	}
	return nil
}

func (h *handler) release() { h.flying.Add(-1) }

// leave gives back what enter counted and the cost in flight. It may be called again.
func (x *exchange) leave() {
	if x.entered {
		x.entered = false
		x.release()
	}
	x.takeCost()()
}

// takeCost returns the function that gives back the cost in flight, and leaves that to the caller.
func (x *exchange) takeCost() (release func()) {
	release, x.releaseCost = x.releaseCost, nil
	if release == nil {
		return func() {}
	}
	return release
}
