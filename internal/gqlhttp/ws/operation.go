package ws

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
	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/params"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/request"
)

// subscribe begins an operation of a socket, a query as well as a subscription.
func (s *socket) subscribe(m message) *closeReason {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch _, exists := s.operations[m.ID]; {
	case s.caller == nil:
		return &closeReason{closeUnauthorized, "Unauthorized"}
	case m.ID == "" || len(m.ID) > maxMessageID:
		return &closeReason{closeInvalid, "Invalid message id"}
	case exists:
		return &closeReason{closeDuplicate, "Subscriber for " + shortID(m.ID) + " already exists"}
	case s.closing:
		return nil // the connection is about to close
	}
	p := &params.Params{}
	if err := params.Decode(m.Payload, p, "payload"); err != nil {
		return &closeReason{closeInvalid, "Invalid subscribe payload"}
	}
	full := len(s.operations) >= maxOperations
	ctx, cancel := context.WithCancel(request.WithCaller(s.ctx, s.caller.Clone()))
	if !full {
		s.operations[m.ID] = cancel
	}
	s.wg.Go(func() {
		defer cancel()
		if full {
			s.fail(m.ID, gqlerror.List{apierr.New(apierr.RateLimited, "A connection may have %d operations at once.", maxOperations)})
			return
		}
		if s.cfg.Begin != nil {
			ctx = s.cfg.Begin(ctx)
		}
		s.run(graphql.StartOperationTrace(ctx), m.ID, p)
	})
	return nil
}

// shortID truncates an id so that it fits into the reason of a close frame.
func shortID(id string) string { return id[:min(len(id), 60)] }

// cancelOperation ends an operation that the client has completed. Its further responses are not sent.
func (s *socket) cancelOperation(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, ok := s.operations[id]; ok {
		delete(s.operations, id)
		cancel()
	}
}

// finishOperation removes an operation. It returns false if the operation has ended before; then no message may be sent for it.
func (s *socket) finishOperation(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.operations[id]
	delete(s.operations, id)
	return ok
}

func (s *socket) isRunning(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.operations[id]
	return ok
}

// run runs one operation to its end.
func (s *socket) run(ctx context.Context, id string, p *params.Params) {
	report := &request.Report{Status: http.StatusSwitchingProtocols, Caller: request.CallerFrom(ctx)}
	defer s.done(ctx, time.Now(), report)
	op, release, errs := s.admit(ctx, p, report)
	release = sync.OnceFunc(release)
	defer release()
	if errs != nil {
		report.Code = apierr.CodeOf(errs[0])
		if s.finishOperation(id) {
			s.fail(id, errs)
		}
		return
	}
	if op.Operation.Operation == ast.Subscription {
		release() // streams have bounds of their own
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.cfg.RequestTimeout, execution.ErrRequestTimeout)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.relay(id, op, s.cfg.Executor.Events(ctx, op, func() string { return "" }), cancel, report) && s.finishOperation(id) {
		s.send(message{Type: "complete", ID: id})
	}
}

// done reports the outcome of an operation. It has a log line of its own: that of the connection is written when the connection ends.
func (s *socket) done(ctx context.Context, began time.Time, r *request.Report) {
	r.Duration = time.Since(began)
	s.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "operation", r.AppendAttrs([]slog.Attr{
		slog.String("requestId", s.requestID), slog.String("duration", r.Duration.String())})...)
	if s.cfg.OnOperationDone != nil {
		s.cfg.OnOperationDone(ctx, r)
	}
}

// admit counts an operation as in flight, checks it, and waits until its cost fits. release must be called once, even if there are errors.
func (s *socket) admit(ctx context.Context, p *params.Params, report *request.Report) (op *graphql.OperationContext, release func(), errs gqlerror.List) {
	release = s.cfg.Executor.Release
	if rejected := s.cfg.Executor.Acquire(); rejected != nil {
		return nil, release, gqlerror.List{rejected.Err}
	}
	op, errs = s.prepare(ctx, p, report)
	if errs != nil {
		return op, release, errs
	}
	releaseCost, rejected := s.cfg.Executor.AcquireCost(ctx, op)
	if rejected != nil {
		return op, release, gqlerror.List{rejected.Err}
	}
	return op, func() {
		releaseCost()
		s.cfg.Executor.Release()
	}, nil
}

// prepare checks an operation. Its errors have codes.
func (s *socket) prepare(ctx context.Context, p *params.Params, report *request.Report) (*graphql.OperationContext, gqlerror.List) {
	raw, err := p.Raw(s.header, graphql.Now())
	if err != nil {
		return nil, gqlerror.List{err}
	}
	op, errs := s.cfg.Executor.Prepare(ctx, &execution.Request{Params: raw, Report: report})
	if errs != nil {
		errs = s.cfg.Executor.DispatchError(graphql.WithOperationContext(ctx, op), errs).Errors
	}
	return op, errs
}

// relay sends the responses of an operation; false if it ended with an error, which has been sent.
func (s *socket) relay(id string, op *graphql.OperationContext, events <-chan stream.Event, cancel context.CancelFunc, report *request.Report) bool {
	defer func() {
		cancel()
		for range events { // its goroutine ends before the operation
		}
	}()
	responded := false
	for ev := range events {
		responded = true
		report.Code = ev.Code
		if ev.Errors != nil {
			if s.finishOperation(id) {
				s.send(message{Type: "error", ID: id, Payload: ev.Errors})
			}
			return false
		}
		if !s.isRunning(id) || s.write(nextMessage(id, ev.Body)) != nil {
			return false
		}
	}
	if !responded && op.Operation.Operation != ast.Subscription && s.finishOperation(id) {
		s.fail(id, execution.OrTimeout(nil).Errors)
	}
	return true
}

// nextMessage returns a message of the type next, without encoding its payload again.
func nextMessage(id string, body []byte) []byte {
	quoted, err := json.Marshal(id)
	if err != nil {
		return nil // a string always can be encoded
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
	s.send(message{Type: "error", ID: id, Payload: execution.EncodeErrors(errs)})
}
