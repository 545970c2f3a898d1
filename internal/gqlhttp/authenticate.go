package gqlhttp

import (
	"net/http"

	"scalegraph/internal/apierr"
	"scalegraph/internal/request"
)

// authenticate refuses a caller who is not recognised, before anything of the request is read or executed.
func (x *exchange) authenticate(caller *request.Caller) *refusal {
	if x.cfg.Authenticate == nil {
		return nil
	}
	ctx, cancel := x.inTime()
	defer cancel()
	if x.cfg.Authenticate(ctx, caller) == nil {
		return nil
	}
	x.w.Header().Set("WWW-Authenticate", "Bearer")
	return refusef(http.StatusUnauthorized, apierr.Unauthenticated, "The caller is not recognised; send Authorization: Bearer with a key or token of yours.")
}
