package gqlhttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// socket is a client's side of a WebSocket.
type socket struct {
	testing.TB
	*websocket.Conn
}

func dial(t testing.TB, target string, header http.Header) (*socket, *http.Response, error) {
	conn, resp, err := websocket.Dial(t.Context(), target, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header})
	if err != nil {
		return nil, resp, err
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{t, conn}, resp, nil
}

// connect dials.
func connect(t testing.TB, target string) *socket {
	t.Helper()
	s, _, err := dial(t, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// connectAndInit connects and initializes the connection.
func connectAndInit(t testing.TB, target string) *socket {
	t.Helper()
	s := connect(t, target)
	s.send(`{"type":"connection_init"}`)
	s.expect(`{"type":"connection_ack"}`)
	return s
}

func (s *socket) send(text string) {
	s.Helper()
	if err := s.Write(s.Context(), websocket.MessageText, []byte(text)); err != nil {
		s.Fatal(err)
	}
}

func (s *socket) Context() context.Context { return s.TB.Context() }

func (s *socket) receive() string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
	defer cancel()
	_, text, err := s.Read(ctx)
	if err != nil {
		s.Fatal(err)
	}
	return string(text)
}

func (s *socket) expect(want string) {
	s.Helper()
	if got := s.receive(); got != want {
		s.Fatalf("got  %s\nwant %s", got, want)
	}
}

// expectClose reads on until the server closes.
func (s *socket) expectClose(code websocket.StatusCode, reason string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
	defer cancel()
	for {
		_, _, err := s.Read(ctx)
		if closed, ok := errors.AsType[websocket.CloseError](err); ok {
			if closed.Code != code || closed.Reason != reason {
				s.Errorf("closed by %d %q, want %d %q", closed.Code, closed.Reason, code, reason)
			}
			return
		}
		if err != nil {
			s.Fatal(err)
		}
	}
}

func subscribe(id, query string) string {
	return fmt.Sprintf(`{"type":"subscribe","id":%q,"payload":{"query":%s}}`, id, quoted(query))
}

func TestSocketsAreClosedForWrongMessages(t *testing.T) {
	target := serveFeed(t, newFeed(), gqlhttp.Config{})
	for name, test := range map[string]struct {
		connectAndInit bool
		send           []string
		code           websocket.StatusCode
		reason         string
	}{
		"no JSON":               {false, []string{`{`}, 4400, "Invalid message"},
		"a list":                {false, []string{`[]`}, 4400, "Invalid message"},
		"no type":               {false, []string{`{}`}, 4400, "Invalid message type"},
		"a foreign type":        {true, []string{`{"type":"start"}`}, 4400, "Invalid message type"},
		"no introduction":       {false, []string{subscribe("1", "{__typename}")}, 4401, "Unauthorized"},
		"two introductions":     {true, []string{`{"type":"connection_init"}`}, 4429, "Too many initialisation requests"},
		"no id":                 {true, []string{subscribe("", "{__typename}")}, 4400, "Invalid message id"},
		"no payload":            {true, []string{`{"type":"subscribe","id":"1"}`}, 4400, "Invalid subscribe payload"},
		"the same id twice":     {true, []string{subscribe("a", subscription), subscribe("a", subscription)}, 4409, "Subscriber for a already exists"},
		"credentials of a kind": {false, []string{`{"type":"connection_init","payload":{"X-Auth-Token":7}}`}, 4400, "Invalid connection_init payload"},
		"a bad project token":   {false, []string{`{"type":"connection_init","payload":{"Scalegraph-Token":["x"]}}`}, 4400, "Invalid credentials in connection_init payload"},
	} {
		t.Run(name, func(t *testing.T) {
			s := connect(t, target)
			if test.connectAndInit {
				s = connectAndInit(t, target)
			}
			for _, text := range test.send {
				s.send(text)
			}
			s.expectClose(test.code, test.reason)
		})
	}
	s := connect(t, target)
	if err := s.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	s.expectClose(4400, "Messages must be text")
}

func TestSocketsThatSayNothing(t *testing.T) {
	target := serveFeed(t, newFeed(), gqlhttp.Config{InitTimeout: time.Millisecond})
	connect(t, target).expectClose(4408, "Connection initialisation timeout")
}

func TestSocketsOfOtherProtocols(t *testing.T) {
	target := serveFeed(t, newFeed(), gqlhttp.Config{})
	for _, protocols := range [][]string{nil, {"graphql-ws"}} {
		conn, _, err := websocket.Dial(t.Context(), target, &websocket.DialOptions{Subprotocols: protocols})
		if err != nil {
			t.Fatal(err)
		}
		(&socket{t, conn}).expectClose(4406, "Subprotocol not acceptable")
	}
}

// TestOriginsOfSockets keeps pages of other sites out: browsers let them all try.
func TestOriginsOfSockets(t *testing.T) {
	target := serveFeed(t, newFeed(), gqlhttp.Config{CORSOrigins: []string{"https://console.example"}})
	own := strings.TrimSuffix(target, "/graphql")
	for origin, ok := range map[string]bool{own: true, "https://console.example": true, "https://evil.example": false, "null": false} {
		_, resp, err := dial(t, target, http.Header{"Origin": {origin}})
		if (err == nil) != ok || !ok && resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

// TestOriginBehindProxy has a proxy that ends TLS and puts the name of the replica into Host.
func TestOriginBehindProxy(t *testing.T) {
	target := serveFeed(t, newFeed(), gqlhttp.Config{})
	for origin, forwarded := range map[string]string{
		"https://api.example": "api.example", "https://api.example:443": "api.example", "https://API.example": "api.example:443, inner.example",
	} {
		if _, _, err := dial(t, target, http.Header{"Origin": {origin}, "X-Forwarded-Host": {forwarded}}); err != nil {
			t.Errorf("%s behind %s: %v", origin, forwarded, err)
		}
		if _, _, err := dial(t, target, http.Header{"Origin": {"https://evil.example"}, "X-Forwarded-Host": {forwarded}}); err == nil {
			t.Errorf("another origin behind %s was accepted", forwarded)
		}
	}
}

// TestOriginBehindProxyThatKeepsHost has a proxy that ends TLS and passes Host on: the page's origin has a scheme that the server does not see.
func TestOriginBehindProxyThatKeepsHost(t *testing.T) {
	target := serveFeed(t, newFeed(), gqlhttp.Config{})
	for origin, ok := range map[string]bool{"https://api.example": true, "https://api.example:443": true, "https://evil.example": false} {
		conn, _, err := websocket.Dial(t.Context(), target, &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"}, Host: "api.example", HTTPHeader: http.Header{"Origin": {origin}},
		})
		if (err == nil) != ok {
			t.Errorf("%s: %v", origin, err)
		}
		if err == nil {
			_ = conn.CloseNow()
		}
	}
}

// TestNarrowedCallerOfASocket may read less than when the connection was made: running operations end, and later ones use what holds now.
func TestNarrowedCallerOfASocket(t *testing.T) {
	var mayRead atomic.Pointer[[]string]
	mayRead.Store(&[]string{"a", "b"})
	f, seen := newFeed(), make(chan []string, 1)
	f.group = func(ctx context.Context, id string) (*upstream.Group, error) {
		seen <- request.CallerFrom(ctx).Projects
		return &upstream.Group{ID: id}, nil
	}
	s := connectAndInit(t, serveFeed(t, f, gqlhttp.Config{ReauthInterval: time.Millisecond, Authenticate: func(_ context.Context, c *request.Caller) error {
		c.ProjectsOnly, c.Projects = true, *mayRead.Load()
		return nil
	}}))
	s.send(subscribe("s", subscription))
	ctx := f.subscribed(t)
	mayRead.Store(&[]string{"a"})
	s.expect(`{"type":"error","id":"s","payload":[{"message":"The caller is not recognised any more.","extensions":{"code":"UNAUTHENTICATED","retryable":false}}]}`)
	wait(t, "the subscription", ctx.Done())
	s.send(subscribe("q", groupQuery))
	if got := <-seen; len(got) != 1 || got[0] != "a" {
		t.Errorf("a new query may read %v", got)
	}
}

// TestQueriesOfASocketCountAsInFlight as those over HTTP do; subscriptions have a bound of their own.
func TestQueriesOfASocketCountAsInFlight(t *testing.T) {
	f, entered, leave := newFeed(), make(chan struct{}), make(chan struct{})
	f.group = func(_ context.Context, id string) (*upstream.Group, error) {
		entered <- struct{}{}
		<-leave
		return &upstream.Group{ID: id}, nil
	}
	target := serveFeed(t, f, gqlhttp.Config{InFlight: 1})
	s := connectAndInit(t, target)
	s.send(subscribe("s", subscription))
	f.subscribed(t)
	s.send(subscribe("one", groupQuery))
	<-entered
	s.send(subscribe("two", groupQuery))
	if got := s.receive(); !strings.Contains(got, `"id":"two"`) || !strings.Contains(got, "RATE_LIMITED") {
		t.Error(got)
	}
	if got := post(t, target, groupQuery); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("over HTTP: %d %s", got.StatusCode, got.text)
	}
	close(leave)
}

func TestOperationsOfASocket(t *testing.T) {
	f := newFeed()
	s := connectAndInit(t, serveFeed(t, f, gqlhttp.Config{}))
	s.send(`{"type":"ping","payload":{"a":1}}`)
	s.expect(`{"type":"pong","payload":{"a":1}}`)
	s.send(subscribe("q", groupQuery))
	s.expect(`{"type":"next","id":"q","payload":` + groupResponse + `}`)
	s.expect(`{"type":"complete","id":"q"}`)
	s.send(subscribe("d", `{ scalingGroup(groupId: "g") { ... @defer { id } region } }`))
	s.expect(`{"type":"next","id":"d","payload":` + groupResponse + `}`)
	s.expect(`{"type":"complete","id":"d"}`)
	s.send(subscribe("bad", "{ nothing }"))
	if got := s.receive(); !strings.HasPrefix(got, `{"type":"error","id":"bad","payload":[{"message":`) || !strings.Contains(got, "GRAPHQL_VALIDATION_FAILED") {
		t.Error(got)
	}
	s.send(subscribe("s", subscription))
	ctx := f.subscribed(t)
	f.say("one")
	s.expect(`{"type":"next","id":"s","payload":` + singleEvent + `}`)
	s.send(`{"type":"complete","id":"s"}`)
	wait(t, "the subscription", ctx.Done())
	s.send(subscribe("s", subscription)) // the id is free again
	f.subscribed(t)
	close(f.changes)
	s.expect(`{"type":"complete","id":"s"}`)
}

func TestSubscriptionsOfASocketThatFail(t *testing.T) {
	f := newFeed()
	f.err = errors.New("secret")
	s := connectAndInit(t, serveFeed(t, f, gqlhttp.Config{}))
	s.send(subscribe("s", subscription))
	s.expect(`{"type":"error","id":"s","payload":[{"message":"Something went wrong on our side; the request id names it in our logs.",` +
		`"path":["scalingActivityChanged"],"locations":[{"line":1,"column":16}],"extensions":{"code":"INTERNAL","retryable":false}}]}`)
}

// TestQueriesOfASocketRunOutOfTime as those over HTTP do, and subscriptions do not.
func TestQueriesOfASocketRunOutOfTime(t *testing.T) {
	f := newFeed()
	f.group = func(ctx context.Context, _ string) (*upstream.Group, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s := connectAndInit(t, serveFeed(t, f, gqlhttp.Config{RequestTimeout: time.Millisecond}))
	s.send(subscribe("s", subscription))
	ctx := f.subscribed(t)
	s.send(subscribe("q", groupQuery))
	if got := s.receive(); !strings.Contains(got, "REQUEST_TIMEOUT") {
		t.Error(got)
	}
	if ctx.Err() != nil {
		t.Error("the subscription ended")
	}
}

func TestManyOperationsOfASocket(t *testing.T) {
	f := newFeed()
	s := connectAndInit(t, serveFeed(t, f, gqlhttp.Config{}))
	for i := range 100 {
		s.send(subscribe(fmt.Sprint(i), subscription))
		f.subscribed(t)
	}
	s.send(subscribe("100", subscription))
	s.expect(`{"type":"error","id":"100","payload":[{"message":"A connection may have 100 operations at once.","extensions":{"code":"RATE_LIMITED","retryable":true}}]}`)
}
