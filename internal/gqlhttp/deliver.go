package gqlhttp

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// gathering is for how long further parts are waited for when one has come: those of the rows of one page come together, and a
// client renders each part anew.
const gathering = 2 * time.Millisecond

// deliver answers a query with deferred fragments in parts: at once what is not deferred, and the rest when it is there.
func (x *exchange) deliver(op *graphql.OperationContext) *refusal {
	draining, done, ok := x.cfg.Streams.begin()
	if !ok {
		return refusef(http.StatusServiceUnavailable, codeRateLimited, "The server takes no more streams now; try again later.")
	}
	d := newDeferral(op, x.engine.schema.Schema())
	answers := x.engine.parts(x.ctx, op, done)
	var first *graphql.Response
	select {
	case first = <-answers:
	case <-x.ctx.Done():
	}
	if first == nil || first.HasNext == nil || len(first.Data) == 0 {
		x.answerWhole(inTime(first))
		return nil
	}
	p := &delivery{parts: parts{x}, deferral: d, inNew: x.prefer.deferred == deferNew}
	if p.begin(first) == nil && *first.HasNext {
		p.rest(answers, x.ctx.Done(), draining)
	}
	_ = p.close() // who is gone needs no end
	return nil
}

// parts executes an operation to its end and hands its answers out; done is called then. It does not end with the request, because
// gqlgen would wait for parts that were given up. Each upstream call has a bound of its own, so it is not long.
func (e *engine) parts(ctx context.Context, op *graphql.OperationContext, done func()) <-chan *graphql.Response {
	out := make(chan *graphql.Response)
	left := ctx.Done()
	go func() {
		defer done()
		defer close(out)
		responses, ctx := e.DispatchOperation(context.WithoutCancel(ctx), op)
		for {
			resp := responses(ctx)
			if resp == nil {
				return
			}
			select {
			case out <- resp:
			case <-left:
				left = closed() // nobody listens, but the rest must be fetched all the same
				select {
				case out <- resp:
				default:
				}
			}
			if resp.HasNext == nil || !*resp.HasNext {
				return
			}
		}
	}()
	return out
}

// closed returns a channel that is closed.
var closed = sync.OnceValue(func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
})

// answerWhole writes an answer in one piece, be it as the only part for a client that takes nothing else.
func (x *exchange) answerWhole(resp *graphql.Response) {
	if x.acceptable {
		x.answer(resp)
		return
	}
	p := parts{x}
	p.start(dialectParameter(x.prefer.deferred))
	x.report.Code = firstCode(resp)
	if p.part(encode(resp)) == nil {
		_ = p.close() // who is gone needs no end
	}
}

func dialectParameter(dialect form) string {
	if dialect == deferNew {
		return "incrementalSpec=v0.2"
	}
	return "deferSpec=20220824"
}

// delivery writes the parts of one answer.
type delivery struct {
	parts
	*deferral
	inNew bool // in the newer dialect
}

// pendingPart announces a group in the newer dialect.
type pendingPart struct {
	ID    string `json:"id"`
	Path  []any  `json:"path"`
	Label string `json:"label,omitempty"`
}

// incrementalPart brings a group, in either dialect.
type incrementalPart struct {
	ID         string          `json:"id,omitempty"`
	Data       json.RawMessage `json:"data"`
	Path       *[]any          `json:"path,omitempty"`
	Label      string          `json:"label,omitempty"`
	Errors     gqlerror.List   `json:"errors,omitempty"`
	Extensions map[string]any  `json:"extensions,omitempty"`
}

// completedPart ends a group in the newer dialect.
type completedPart struct {
	ID     string        `json:"id"`
	Errors gqlerror.List `json:"errors,omitempty"`
}

// body is one part. Data are set in the first alone.
type body struct {
	Data        json.RawMessage   `json:"data,omitempty"`
	Errors      gqlerror.List     `json:"errors,omitempty"`
	Extensions  map[string]any    `json:"extensions,omitempty"`
	Pending     []pendingPart     `json:"pending,omitempty"`
	Incremental []incrementalPart `json:"incremental,omitempty"`
	Completed   []completedPart   `json:"completed,omitempty"`
	HasNext     bool              `json:"hasNext"`
}

func (p *delivery) begin(first *graphql.Response) error {
	data, found := p.first(first.Data)
	b := body{Data: data, Errors: first.Errors, Extensions: first.Extensions, HasNext: *first.HasNext}
	b.Pending = p.pending(found)
	dialect := deferOld
	if p.inNew {
		dialect = deferNew
	}
	p.start(dialectParameter(dialect))
	p.report.Code = firstCode(first)
	return p.write(b)
}

func (p *delivery) write(b body) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return p.part(text)
}

// pending announces groups where the dialect wants that.
func (p *delivery) pending(found []*group) []pendingPart {
	if !p.inNew {
		return nil
	}
	var list []pendingPart
	for _, g := range found {
		list = append(list, pendingPart{g.id, steps(g.path), g.label})
	}
	return list
}

// rest writes the parts as they come. When time is over, or the program stops, those that are missing are errors.
func (p *delivery) rest(answers <-chan *graphql.Response, over, draining <-chan struct{}) {
	for more := true; more; {
		b := body{}
		select {
		case resp, ok := <-answers:
			if !ok {
				return
			}
			more = p.gather(&b, resp, answers)
		case <-over:
			p.giveUp(&b)
			more = false
		case <-draining: // what is under way may finish, as for any request
			draining = nil
			continue
		}
		if b.HasNext = more; p.write(b) != nil {
			return
		}
	}
}

// gather adds a part and those that come right behind it, and reports whether there will be more.
func (p *delivery) gather(b *body, resp *graphql.Response, answers <-chan *graphql.Response) (more bool) {
	wait := time.NewTimer(gathering)
	defer wait.Stop()
	for {
		p.add(b, resp)
		if resp.HasNext == nil || !*resp.HasNext {
			return false
		}
		select {
		case next, ok := <-answers:
			if !ok {
				return false
			}
			resp = next
		case <-wait.C:
			return true
		}
	}
}

// add adds the part of one group. One whose object is not in the answer, because an error took it, has no place any more.
func (p *delivery) add(b *body, resp *graphql.Response) {
	g := p.take(resp.Path, resp.Label)
	if g == nil {
		return
	}
	data, found := p.later(g, resp.Data)
	b.Pending = append(b.Pending, p.pending(found)...)
	p.settle(b, g, data, resp.Errors, resp.Extensions)
}

// settle writes what became of a group. Data are null where an error took all of it.
func (p *delivery) settle(b *body, g *group, data []byte, errs gqlerror.List, extensions map[string]any) {
	if !p.inNew {
		path := steps(g.path)
		b.Incremental = append(b.Incremental, incrementalPart{Data: data, Path: &path, Label: g.label, Errors: errs, Extensions: extensions})
		return
	}
	if string(data) == "null" {
		b.Completed = append(b.Completed, completedPart{g.id, errs})
		return
	}
	b.Incremental = append(b.Incremental, incrementalPart{ID: g.id, Data: data, Errors: errs, Extensions: extensions})
	b.Completed = append(b.Completed, completedPart{ID: g.id})
}

// giveUp says of all groups that are missing that time was over.
func (p *delivery) giveUp(b *body) {
	for _, g := range p.groups {
		err := errorf(codeRequestTimeout, "The request ran out of time.")
		err.Path = g.path
		p.settle(b, g, []byte("null"), gqlerror.List{err}, nil)
	}
	clear(p.groups)
}

// steps returns a path as JSON has it; the root is an empty list.
func steps(path ast.Path) []any {
	list := make([]any, len(path))
	for i, element := range path {
		list[i] = element
	}
	return list
}
