package gqlhttp

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/request"
)

// The protocol is graphql-transport-ws, as the library graphql-ws has it.
const subprotocol = "graphql-transport-ws"

// The codes under which the protocol has connections closed.
const (
	closeInvalid       websocket.StatusCode = 4400
	closeUnauthorized  websocket.StatusCode = 4401
	closeForbidden     websocket.StatusCode = 4403
	closeNotAcceptable websocket.StatusCode = 4406
	closeInitTimeout   websocket.StatusCode = 4408
	closeDuplicate     websocket.StatusCode = 4409
	closeTooManyInits  websocket.StatusCode = 4429
)

const (
	maxOperations = 100              // of one connection at once
	writeTimeout  = 20 * time.Second // of one message to a client
	maxMessageID  = 256              // bytes of an operation's id
)

func isWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && hasDirective(r.Header.Values("Connection"), "upgrade") &&
		strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// webSocket serves a connection until it ends.
func (x *exchange) webSocket() *refusal {
	if !x.sameSite() {
		return refusef(http.StatusForbidden, apierr.Forbidden, "This origin may not connect.")
	}
	draining, done, ok := x.cfg.Streams.Begin()
	if !ok {
		return refusef(http.StatusServiceUnavailable, apierr.RateLimited, "The server takes no more streams now; try again later.")
	}
	defer done()
	conn, err := websocket.Accept(x.w, x.r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // sameSite has looked
	})
	if err != nil {
		return nil // it has answered
	}
	defer func() { _ = conn.CloseNow() }()
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeNotAcceptable, "Subprotocol not acceptable")
		return nil
	}
	conn.SetReadLimit(x.cfg.Limits.Body)
	newSocket(x, conn).serve(draining)
	return nil
}

// sameSite reports whether a page in a browser may connect: browsers let every page try. Other clients send no Origin.
func (x *exchange) sameSite() bool {
	origin := x.r.Header.Get("Origin")
	if origin == "" || originAllowed(x.cfg.CORSOrigins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	// Behind a proxy that replaces Host, the external host is in X-Forwarded-Host. A page cannot set that header on a WebSocket.
	forwarded, _, _ := strings.Cut(x.r.Header.Get("X-Forwarded-Host"), ",")
	return sameHost(u, x.r.Host) || sameHost(u, strings.TrimSpace(forwarded))
}

// sameHost reports whether a host header names the host of an origin. The port may be missing in either if it is the default of the scheme.
func sameHost(origin *url.URL, host string) bool {
	port := map[string]string{"http": ":80", "https": ":443"}[origin.Scheme]
	return strings.EqualFold(strings.TrimSuffix(origin.Host, port), strings.TrimSuffix(host, port))
}

// A socket is one connection.
type socket struct {
	*exchange
	conn   *websocket.Conn
	ctx    context.Context // of the connection
	cancel context.CancelFunc
	under  sync.WaitGroup // operations

	mu     sync.Mutex
	caller *request.Caller // nil before the client has introduced itself
	run    map[string]context.CancelFunc
	last   bool // no operation may begin any more
}

func newSocket(x *exchange, conn *websocket.Conn) *socket {
	ctx, cancel := context.WithCancel(x.connection)
	return &socket{exchange: x, conn: conn, ctx: ctx, cancel: cancel, run: map[string]context.CancelFunc{}}
}

// message is what either side sends.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// closing is why a connection is closed.
type closing struct {
	code   websocket.StatusCode
	reason string
}

// serve takes messages until the connection ends, and waits for its operations.
func (s *socket) serve(draining <-chan struct{}) {
	defer s.under.Wait()
	defer s.cancel()
	impatient := time.AfterFunc(s.cfg.Introduce, func() {
		if !s.introduced() {
			_ = s.conn.Close(closeInitTimeout, "Connection initialisation timeout")
		}
	})
	defer impatient.Stop()
	s.under.Go(func() { s.attend(draining) })
	for {
		kind, text, err := s.conn.Read(s.ctx)
		if err != nil {
			return
		}
		why := &closing{closeInvalid, "Messages must be text"}
		if kind == websocket.MessageText {
			why = s.take(text)
		}
		if why != nil {
			_ = s.conn.Close(why.code, why.reason)
			return
		}
	}
}

func (s *socket) introduced() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caller != nil
}

// attend looks whether the client is still there, and ends the connection when the program stops.
func (s *socket) attend(draining <-chan struct{}) {
	beat := time.NewTicker(s.cfg.KeepAlive)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
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
	s.last = true
	ids := s.run
	s.run = map[string]context.CancelFunc{}
	s.mu.Unlock()
	for id, cancel := range ids {
		s.send(message{Type: "complete", ID: id})
		cancel()
	}
}

// take does what a message asks, and returns why the connection must end.
func (s *socket) take(text []byte) *closing {
	var m message
	if refused := decode(text, &m, "message"); refused != nil {
		return &closing{closeInvalid, "Invalid message"}
	}
	switch m.Type {
	case "connection_init":
		return s.introduce(m)
	case "ping":
		s.send(message{Type: "pong", Payload: m.Payload})
	case "pong":
	case "subscribe":
		return s.subscribe(m)
	case "complete":
		s.forget(m.ID)
	default:
		return &closing{closeInvalid, "Invalid message type"}
	}
	return nil
}

// introduce reads the credentials that a client brings, those of the request's headers where it brings none.
func (s *socket) introduce(m message) *closing {
	if s.introduced() {
		return &closing{closeTooManyInits, "Too many initialisation requests"}
	}
	header, ok := initHeader(m.Payload, s.r.Header)
	if !ok {
		return &closing{closeInvalid, "Invalid connection_init payload"}
	}
	caller, refused := callerOf(header, s.cfg, s.id)
	if refused != nil {
		return &closing{closeInvalid, "Invalid credentials in connection_init payload"}
	}
	if s.cfg.Authenticate != nil && s.cfg.Authenticate(s.ctx, caller) != nil {
		return &closing{closeForbidden, "Forbidden"}
	}
	s.mu.Lock()
	s.caller = caller
	s.mu.Unlock()
	s.send(message{Type: "connection_ack"})
	s.under.Go(func() { s.reauthenticate(s.ctx, caller, s.setCaller) })
	return nil
}

// setCaller makes later operations run as the caller is now. Operations under way end if the caller may read less than before, and the
// connection ends if the caller is nil: not accepted any more.
func (s *socket) setCaller(now *request.Caller) bool {
	if now == nil {
		_ = s.conn.Close(closeUnauthorized, "The caller is not recognised any more")
		return false
	}
	s.mu.Lock()
	revoked := map[string]context.CancelFunc{}
	if narrowed(s.caller, now) {
		revoked, s.run = s.run, revoked
	}
	s.caller = now
	s.mu.Unlock()
	for id, cancel := range revoked {
		s.fail(id, gqlerror.List{errUnrecognised()})
		cancel()
	}
	return true
}

// initHeader returns the headers that a connection_init payload stands for, over those of the request.
func initHeader(payload json.RawMessage, request http.Header) (http.Header, bool) {
	h := http.Header{}
	for _, name := range []string{"X-Auth-Token", "Scalegraph-Token", "Authorization", "Cache-Control", "Scalegraph-Explain"} {
		if values := request.Values(name); len(values) > 0 {
			h[name] = values
		}
	}
	members := map[string]any{}
	if len(payload) > 0 && decode(payload, &members, "payload") != nil {
		return nil, false
	}
	for _, name := range []string{"X-Auth-Token", "Scalegraph-Token", "Authorization"} {
		for member, value := range members {
			if strings.EqualFold(member, name) && !setHeader(h, name, value) {
				return nil, false
			}
		}
	}
	return h, true
}

// setHeader takes a text or a list of texts; null is like absent.
func setHeader(h http.Header, name string, value any) bool {
	switch v := value.(type) {
	case nil:
	case string:
		h[http.CanonicalHeaderKey(name)] = []string{v}
	case []any:
		h.Del(name)
		for _, entry := range v {
			text, ok := entry.(string)
			if !ok {
				return false
			}
			h.Add(name, text)
		}
	default:
		return false
	}
	return true
}

// send writes a message. A client that does not take it in time loses the connection, so nobody else waits.
func (s *socket) send(m message) {
	text, err := json.Marshal(m)
	if err != nil {
		return
	}
	_ = s.write(text) // the reader learns that nobody is there
}

func (s *socket) write(text []byte) error {
	ctx, cancel := context.WithTimeout(s.ctx, writeTimeout)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, text)
}
