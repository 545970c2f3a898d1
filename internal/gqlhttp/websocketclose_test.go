package gqlhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/request"
)

// TestCredentialsOfASocket come with its first message, or with the request that made it.
func TestCredentialsOfASocket(t *testing.T) {
	f := newFeed()
	target := serveFeed(t, f, gqlhttp.Config{})
	for payload, want := range map[string]*request.Caller{
		``:                                              {Token: "header"},
		`,"payload":null`:                               {Token: "header"},
		`,"payload":{"other":{"a":[]}}`:                 {Token: "header"},
		`,"payload":{"X-Auth-Token":"own"}`:             {Token: "own"},
		`,"payload":{"x-auth-token":"own"}`:             {Token: "own"},
		`,"payload":{"X-Auth-Token":null}`:              {Token: "header"},
		`,"payload":{"Authorization":"Bearer key"}`:     {Token: "header", Bearer: "key"},
		`,"payload":{"Scalegraph-Token":["p=a","q=b"]}`: {Token: "header", Tokens: map[string]string{"p": "a", "q": "b"}},
		`,"payload":{"Scalegraph-Token":"p=a, q=b"}`:    {Token: "header", Tokens: map[string]string{"p": "a", "q": "b"}},
	} {
		s, _, err := dial(t, target, http.Header{"X-Auth-Token": {"header"}})
		if err != nil {
			t.Fatal(err)
		}
		s.send(`{"type":"connection_init"` + payload + `}`)
		s.expect(`{"type":"connection_ack"}`)
		s.send(subscribe("1", subscription))
		got := request.CallerFrom(f.subscribed(t))
		if got.Token != want.Token || got.Bearer != want.Bearer || fmt.Sprint(got.Tokens) != fmt.Sprint(want.Tokens) {
			t.Errorf("%s: %+v", payload, got)
		}
	}
}

func TestWebSocketsOfOtherOrigins(t *testing.T) {
	proof := func(_ context.Context, c *request.Caller) error {
		if c.Bearer != "key" {
			return errors.New("unknown")
		}
		return nil
	}
	target := serveFeed(t, newFeed(), gqlhttp.Config{Authenticate: proof})
	s := connect(t, target)
	s.send(`{"type":"connection_init"}`)
	s.expectClose(4403, "Forbidden")
	s = connect(t, target)
	s.send(`{"type":"connection_init","payload":{"Authorization":"Bearer key"}}`)
	s.expect(`{"type":"connection_ack"}`)
}

// TestSocketsEnd when the program stops: each operation completes, and the connection is going away.
func TestSocketsEnd(t *testing.T) {
	f, streams := newFeed(), new(stream.Registry)
	s := connectAndInit(t, serveFeed(t, f, gqlhttp.Config{Streams: streams}))
	s.send(subscribe("a", subscription))
	ctx := f.subscribed(t)
	drained := make(chan error, 1)
	go func() { drained <- streams.Drain(context.Background()) }()
	s.expect(`{"type":"complete","id":"a"}`)
	s.expectClose(websocket.StatusGoingAway, "The server is stopping")
	wait(t, "the subscription", ctx.Done())
	if err := <-drained; err != nil || streams.Count() != 0 {
		t.Errorf("%v, %d streams", err, streams.Count())
	}
}

// Sockets whose client answers no ping lose their subscriptions.
func TestSocketsThatAreDead(t *testing.T) {
	f := newFeed()
	s := connectAndInit(t, serveFeed(t, f, gqlhttp.Config{}))
	s.send(subscribe("a", subscription))
	ctx := f.subscribed(t)
	_ = s.CloseNow()
	wait(t, "the subscription", ctx.Done())
}

func TestLongMessages(t *testing.T) {
	s := connectAndInit(t, serveFeed(t, newFeed(), gqlhttp.Config{Limits: document.Limits{Body: 1000}}))
	long, _ := json.Marshal(strings.Repeat("x", 2000))
	s.send(`{"type":"ping","payload":` + string(long) + `}`)
	s.expectClose(websocket.StatusMessageTooBig, "read limited at 1001 bytes")
}
