package ws

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/identity"
	"scalegraph/internal/gqlhttp/params"
	"scalegraph/internal/request"
)

// socket is one connection.
type socket struct {
	cfg       Config
	header    http.Header // of the request
	requestID string
	conn      *websocket.Conn
	ctx       context.Context // of the connection
	cancel    context.CancelFunc
	wg        sync.WaitGroup // operations and keepAlive

	mu         sync.Mutex
	caller     *request.Caller // nil until connection_init
	operations map[string]context.CancelFunc
	closing    bool // no operation may begin
}

func newSocket(r *http.Request, conn *websocket.Conn, requestID string, cfg Config) *socket {
	ctx, cancel := context.WithCancel(r.Context())
	return &socket{cfg: cfg, header: r.Header, requestID: requestID, conn: conn, ctx: ctx, cancel: cancel, operations: map[string]context.CancelFunc{}}
}

// message is a message of the protocol, in both directions.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// closeReason is why a connection is closed.
type closeReason struct {
	code   websocket.StatusCode
	reason string
}

// serve handles messages until the connection ends, and waits for its operations.
func (s *socket) serve(draining <-chan struct{}) {
	defer s.wg.Wait()
	defer s.cancel()
	initTimer := time.AfterFunc(s.cfg.InitTimeout, func() {
		if !s.initialised() {
			_ = s.conn.Close(closeInitTimeout, "Connection initialisation timeout")
		}
	})
	defer initTimer.Stop()
	s.wg.Go(func() { s.keepAlive(draining) })
	for {
		kind, text, err := s.conn.Read(s.ctx)
		if err != nil {
			return
		}
		reason := &closeReason{closeInvalid, "Messages must be text"}
		if kind == websocket.MessageText {
			reason = s.handle(text)
		}
		if reason != nil {
			_ = s.conn.Close(reason.code, reason.reason)
			return
		}
	}
}

func (s *socket) initialised() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caller != nil
}

// keepAlive pings the client, and ends the connection if it does not respond or when the server shuts down.
func (s *socket) keepAlive(draining <-chan struct{}) {
	ticker := time.NewTicker(s.cfg.KeepAlive)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			ctx, cancel := context.WithTimeout(s.ctx, writeTimeout)
			err := s.conn.Ping(ctx)
			cancel()
			if err != nil {
				_ = s.conn.CloseNow()
				return
			}
		case <-draining:
			s.finish()
			_ = s.conn.Close(websocket.StatusGoingAway, "The server is stopping")
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// finish ends all operations, each with its complete.
func (s *socket) finish() {
	s.mu.Lock()
	s.closing = true
	running := s.operations
	s.operations = map[string]context.CancelFunc{}
	s.mu.Unlock()
	for id, cancel := range running {
		s.send(message{Type: "complete", ID: id})
		cancel()
	}
}

// handle handles a message. It returns a reason if the connection must be closed.
func (s *socket) handle(text []byte) *closeReason {
	var m message
	if err := params.Decode(text, &m, "message"); err != nil {
		return &closeReason{closeInvalid, "Invalid message"}
	}
	switch m.Type {
	case "connection_init":
		return s.init(m)
	case "ping":
		s.send(message{Type: "pong", Payload: m.Payload})
	case "pong":
	case "subscribe":
		return s.subscribe(m)
	case "complete":
		s.cancelOperation(m.ID)
	default:
		return &closeReason{closeInvalid, "Invalid message type"}
	}
	return nil
}

// init handles connection_init. It authenticates the caller by the credentials of the payload, or by those of the request if the payload has none.
func (s *socket) init(m message) *closeReason {
	if s.initialised() {
		return &closeReason{closeTooManyInits, "Too many initialisation requests"}
	}
	header, ok := initHeader(m.Payload, s.header)
	if !ok {
		return &closeReason{closeInvalid, "Invalid connection_init payload"}
	}
	caller, err := identity.FromHeader(header, s.cfg.Callers, s.requestID)
	if err != nil {
		return &closeReason{closeInvalid, "Invalid credentials in connection_init payload"}
	}
	if s.cfg.Authenticator.Check(s.ctx, caller) != nil {
		return &closeReason{closeForbidden, "Forbidden"}
	}
	s.mu.Lock()
	s.caller = caller
	s.mu.Unlock()
	s.send(message{Type: "connection_ack"})
	s.wg.Go(func() { s.cfg.Authenticator.Watch(s.ctx, caller, s.setCaller) })
	return nil
}

// setCaller replaces the caller for later operations. Operations in flight end if the caller may read less than before. If now is nil, the caller is not
// accepted any more, and the connection ends.
func (s *socket) setCaller(now *request.Caller) bool {
	if now == nil {
		_ = s.conn.Close(closeUnauthorized, "The caller is not recognised any more")
		return false
	}
	s.mu.Lock()
	revoked := map[string]context.CancelFunc{}
	if identity.Narrowed(s.caller, now) {
		revoked, s.operations = s.operations, revoked
	}
	s.caller = now
	s.mu.Unlock()
	for id, cancel := range revoked {
		s.fail(id, gqlerror.List{execution.Unrecognised()})
		cancel()
	}
	return true
}

// send writes a message. The connection of a client that does not receive it in time is closed, so that nothing else waits.
func (s *socket) send(m message) {
	text, err := json.Marshal(m)
	if err != nil {
		return
	}
	_ = s.write(text) // serve notices that the connection is broken
}

func (s *socket) write(text []byte) error {
	ctx, cancel := context.WithTimeout(s.ctx, writeTimeout)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, text)
}
