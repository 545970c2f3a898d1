package gqlhttp

import (
	"context"
	"slices"
	"time"

	"scalegraph/internal/request"
)

// reauthenticate authenticates a caller again at every ReauthInterval until ctx ends or checked returns false. checked gets the caller as
// authenticated now; nil: the caller is not accepted any more. It returns at once if callers need not prove who they are.
func (h *handler) reauthenticate(ctx context.Context, caller *request.Caller, checked func(now *request.Caller) bool) {
	if h.cfg.Authenticate == nil {
		return
	}
	tick := time.NewTicker(h.cfg.Recognise)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := caller.Clone()
		now.Name, now.ProjectsOnly, now.Projects = "", false, nil
		err := h.cfg.Authenticate(ctx, now)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			now = nil
		}
		if !checked(now) {
			return
		}
	}
}

// revoked returns a channel that is closed when the caller of ctx is not accepted any more or may read less than before, until ctx ends.
func (h *handler) revoked(ctx context.Context) <-chan struct{} {
	lost := make(chan struct{})
	caller := request.CallerFrom(ctx)
	go h.reauthenticate(ctx, caller, func(now *request.Caller) bool {
		if now == nil || narrowed(caller, now) {
			close(lost)
			return false
		}
		return true
	})
	return lost
}

// narrowed reports whether a caller may not read everything any more that it might before.
func narrowed(before, now *request.Caller) bool {
	if !now.ProjectsOnly {
		return false
	}
	return !before.ProjectsOnly || slices.ContainsFunc(before.Projects, func(project string) bool { return !now.MayRead(project) })
}
