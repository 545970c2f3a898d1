package identity

import (
	"context"
	"slices"
	"time"

	"scalegraph/internal/request"
)

// Authenticator authenticates callers. If Authenticate is nil, every caller is accepted.
type Authenticator struct {
	// Authenticate verifies the Bearer of a caller and sets its name and projects; an error rejects the caller.
	Authenticate func(context.Context, *request.Caller) error
	Interval     time.Duration // between two checks of the caller of a stream
}

// Check authenticates a caller once.
func (a Authenticator) Check(ctx context.Context, c *request.Caller) error {
	if a.Authenticate == nil {
		return nil
	}
	return a.Authenticate(ctx, c)
}

// Watch authenticates a caller again at every interval until ctx ends or onCheck returns false. onCheck gets the caller as authenticated now; nil: the
// caller is not accepted any more. It returns at once if every caller is accepted.
func (a Authenticator) Watch(ctx context.Context, caller *request.Caller, onCheck func(now *request.Caller) bool) {
	if a.Authenticate == nil {
		return
	}
	tick := time.NewTicker(a.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := caller.Clone()
		now.Name, now.ProjectsOnly, now.Projects = "", false, nil
		err := a.Authenticate(ctx, now)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			now = nil
		}
		if !onCheck(now) {
			return
		}
	}
}

// Revoked returns a channel that is closed when the caller in ctx is not accepted any more or may read less than before, until ctx ends.
func (a Authenticator) Revoked(ctx context.Context) <-chan struct{} {
	revoked := make(chan struct{})
	caller := request.CallerFrom(ctx)
	go a.Watch(ctx, caller, func(now *request.Caller) bool {
		if now == nil || Narrowed(caller, now) {
			close(revoked)
			return false
		}
		return true
	})
	return revoked
}

// Narrowed reports whether a caller may not read everything any more that it could read before.
func Narrowed(before, now *request.Caller) bool {
	if !now.ProjectsOnly {
		return false
	}
	return !before.ProjectsOnly || slices.ContainsFunc(before.Projects, func(project string) bool { return !now.MayRead(project) })
}
