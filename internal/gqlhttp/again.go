package gqlhttp

import (
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// again gives the request the answer that is kept for it, where there is one that still holds.
func (x *exchange) again(text []byte) bool {
	caller := x.caller
	if x.answers == nil || !x.acceptable || caller.NoCache || caller.Explain {
		return false
	}
	key := keyOf(x.r.Method, x.r.Header.Values("Accept"), text, caller)
	x.key = &key
	a, ok := x.answers.find(x.ctx, key, time.Now())
	if !ok {
		return false
	}
	x.report.Kind, x.report.Name, x.report.Cost = a.kind, a.name, a.cost
	if errs := x.engine.admit(x.ctx, caller, a.cost); errs != nil {
		x.answer(&graphql.Response{Errors: errs})
		return true
	}
	a.count(caller)
	x.report.Status, x.report.Again = http.StatusOK, AgainByRequest
	x.send(http.StatusOK, a.payload, true)
	return true
}

// keep keeps an answer that was executed without an error, where it rests on nothing but what is kept.
func (x *exchange) keep(a *payload) {
	if x.key == nil {
		return
	}
	until, used := x.caller.Tally.FreshUntil()
	bases := x.caller.Tally.Dependencies()
	if used && len(bases) > 0 && time.Now().Before(until) {
		x.answers.keep(x.ctx, *x.key, &keptAnswer{a, bases, x.report.Kind, x.report.Name, x.report.Cost})
	}
}
