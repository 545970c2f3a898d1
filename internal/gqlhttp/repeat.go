package gqlhttp

import (
	"context"
	"net/http"
	"slices"
	"time"

	"scalegraph/internal/request"
)

// A repeat is a request whose answer was given out of what is kept. Whoever sends the same bytes is the same caller who wants the same in
// the same form; what may have changed is judged each time.
type repeat struct {
	*handler
	key      answerKey
	caller   *request.Caller // as it was recognised; its tally is that of the first time
	encoding string
	length   int // of the body, which the headers tell
}

// offer has an answer given again to requests of the same bytes, where it came out of what is kept.
func (x *exchange) offer(encoding string, length int) {
	if x.cfg.Repeatable == nil || x.report.Again == "" || x.r.Method != http.MethodPost {
		return
	}
	x.cfg.Repeatable(x.r, (&repeat{x.handler, *x.key, x.caller, encoding, length}).again)
}

// again is what Config.Repeatable is given.
func (p *repeat) again(ctx context.Context, id string) ([]byte, bool) {
	defer p.flying.Add(-1)
	if n := p.flying.Add(1); p.cfg.InFlight > 0 && n > int64(p.cfg.InFlight) {
		return nil, false
	}
	began := time.Now()
	a, ok := p.answers.find(ctx, p.key, began)
	if !ok {
		return nil, false
	}
	body, caller := a.in(p.encoding, p.compressors), p.caller.Clone()
	caller.RequestID = id
	if len(body) != p.length || !p.recognised(ctx, caller) || !p.affords(ctx, caller, a.cost) {
		return nil, false
	}
	a.count(caller)
	if p.cfg.Done != nil {
		p.cfg.Done(ctx, Report{Kind: a.kind, Name: a.name, Status: http.StatusOK, Cost: a.cost, Again: AgainByBytes, Took: time.Since(began), Caller: caller})
	}
	return body, true
}

// recognised reports whether the caller can still prove who it is, and may read what it might.
func (p *repeat) recognised(ctx context.Context, caller *request.Caller) bool {
	if p.cfg.Authenticate == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.RequestTimeout)
	defer cancel()
	caller.Name, caller.ProjectsOnly, caller.Projects = "", false, nil
	return p.cfg.Authenticate(ctx, caller) == nil && caller.ProjectsOnly == p.caller.ProjectsOnly && slices.Equal(caller.Projects, p.caller.Projects)
}

func (p *repeat) affords(ctx context.Context, caller *request.Caller, cost int) bool {
	return p.cfg.Afford == nil || p.cfg.Afford(ctx, caller, cost)
}
