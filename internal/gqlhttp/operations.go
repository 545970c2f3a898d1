package gqlhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/request"
)

// subscribe begins an operation of a socket, a query as well as a subscription.
func (s *socket) subscribe(m message) *closing {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch _, twice := s.run[m.ID]; {
	case s.caller == nil:
		return &closing{closeUnauthorized, "Unauthorized"}
	case m.ID == "" || len(m.ID) > maxMessageID:
		return &closing{closeInvalid, "Invalid message id"}
	case twice:
		return &closing{closeDuplicate, "Subscriber for " + closingID(m.ID) + " already exists"}
	case s.last:
		return nil // the connection is about to close
	}
	p := &parameters{}
	if refused := decode(m.Payload, p, "payload"); refused != nil {
		return &closing{closeInvalid, "Invalid subscribe payload"}
	}
	full := len(s.run) >= maxOperations
	ctx, cancel := context.WithCancel(request.WithCaller(s.ctx, s.caller.Clone()))
	if !full {
		s.run[m.ID] = cancel
	}
	s.under.Go(func() {
		defer cancel()
		if full {
			s.fail(m.ID, gqlerror.List{apierr.New(apierr.RateLimited, "A connection may have %d operations at once.", maxOperations)})
			return
		}
		s.operate(graphql.StartOperationTrace(s.cfg.Begin(ctx)), m.ID, p)
	})
	return nil
}

// closingID cuts an id to what fits into the reason of a close.
func closingID(id string) string { return id[:min(len(id), 60)] }

// forget ends an operation that the client wants no more of. What it still says is not sent.
func (s *socket) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, ok := s.run[id]; ok {
		delete(s.run, id)
		cancel()
	}
}

// ended takes an operation out and reports whether it was there: nothing may be sent of one that is not.
func (s *socket) ended(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.run[id]
	delete(s.run, id)
	return ok
}

func (s *socket) running(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.run[id]
	return ok
}

// operate runs one operation to its end.
func (s *socket) operate(ctx context.Context, id string, p *parameters) {
	report := &request.Report{Status: http.StatusSwitchingProtocols, Caller: request.CallerFrom(ctx)}
	defer s.done(ctx, time.Now(), report)
	op, release, errs := s.admit(ctx, p)
	release = sync.OnceFunc(release)
	defer release()
	if op != nil {
		setOperation(report, op, s.cfg.Trusted)
	}
	if errs != nil {
		report.Code = apierr.CodeOf(errs[0])
		if s.ended(id) {
			s.fail(id, errs)
		}
		return
	}
	if op.Operation.Operation == ast.Subscription {
		release() // what a stream does has bounds of its own
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.cfg.RequestTimeout, errRequestTimeout)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.relay(id, op, s.engine.events(ctx, op, func() string { return "" }), cancel, report) && s.ended(id) {
		s.send(message{Type: "complete", ID: id})
	}
}

// done reports the outcome of an operation. It has a log line of its own: that of the connection is written when the connection ends.
func (s *socket) done(ctx context.Context, began time.Time, r *request.Report) {
	r.Duration = time.Since(began)
	s.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "operation", r.AppendAttrs([]slog.Attr{
		slog.String("requestId", s.id), slog.String("duration", r.Duration.String())})...)
	if s.cfg.OnOperationDone != nil {
		s.cfg.OnOperationDone(ctx, r)
	}
}

// admit counts an operation as in flight, checks it, and waits until its cost fits. release must be called once, even if there are errors.
func (s *socket) admit(ctx context.Context, p *parameters) (op *graphql.OperationContext, release func(), errs gqlerror.List) {
	if err := s.acquire(); err != nil {
		return nil, s.release, gqlerror.List{err}
	}
	op, errs = s.operation(ctx, p)
	if errs != nil {
		return op, s.release, errs
	}
	releaseCost, refused := s.engine.acquireCost(ctx, op)
	if refused != nil {
		return op, s.release, gqlerror.List{refused.err}
	}
	return op, func() {
		releaseCost()
		s.release()
	}, nil
}

// operation checks an operation. Its errors have codes.
func (s *socket) operation(ctx context.Context, p *parameters) (*graphql.OperationContext, gqlerror.List) {
	if !p.named() {
		return nil, gqlerror.List{apierr.New(apierr.BadUserInput, "The parameter query is missing.")}
	}
	now := graphql.Now()
	op, errs := s.engine.CreateOperationContext(ctx, &graphql.RawParams{
		Query: p.Query, OperationName: p.OperationName, Variables: p.Variables, Extensions: p.Extensions,
		Headers: s.r.Header, ReadTime: graphql.TraceTiming{Start: now, End: now},
	})
	if errs != nil {
		errs = s.engine.DispatchError(graphql.WithOperationContext(ctx, op), errs).Errors
	}
	return op, errs
}

// relay sends what an operation says; false where it ended with an error, which has been sent.
func (s *socket) relay(id string, op *graphql.OperationContext, events <-chan stream.Event, cancel context.CancelFunc, report *request.Report) bool {
	defer func() {
		cancel()
		for range events { // its goroutine must not outlive the operation
		}
	}()
	told := false
	for ev := range events {
		told = true
		report.Code = ev.Code
		if ev.Errors != nil {
			if s.ended(id) {
				s.send(message{Type: "error", ID: id, Payload: ev.Errors})
			}
			return false
		}
		if !s.running(id) || s.write(next(id, ev.Body)) != nil {
			return false
		}
	}
	if !told && op.Operation.Operation != ast.Subscription && s.ended(id) {
		s.fail(id, inTime(nil).Errors)
	}
	return true
}

// next is a message of type next, without encoding its payload again.
func next(id string, body []byte) []byte {
	quoted, err := json.Marshal(id)
	if err != nil {
		return nil // a string can always be expressed
	}
	var b bytes.Buffer
	b.Grow(len(body) + len(quoted) + 40)
	b.WriteString(`{"type":"next","id":`)
	b.Write(quoted)
	b.WriteString(`,"payload":`)
	b.Write(body)
	b.WriteByte('}')
	return b.Bytes()
}

func (s *socket) fail(id string, errs gqlerror.List) {
	s.send(message{Type: "error", ID: id, Payload: encodeErrors(errs)})
}
