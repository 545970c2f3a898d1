package gqlhttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"scalegraph/graph"
	"scalegraph/graph/model"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/resolvers"
)

// A feed is a subscription that a test speaks through.
type feed struct {
	graph.SubscriptionResolver
	root
	changes chan *model.ScalingActivityChange
	began   chan context.Context // of each subscription
	err     error                // instead of a subscription
}

func newFeed() *feed {
	return &feed{changes: make(chan *model.ScalingActivityChange), began: make(chan context.Context, 1000)}
}

func (f *feed) Subscription() graph.SubscriptionResolver { return f }

func (f *feed) ScalingActivityChanged(ctx context.Context, _ []*model.ScalingGroupRef, _ *model.ScalingActivityFilter, _ *string) (<-chan *model.ScalingActivityChange, error) {
	if f.err != nil {
		return nil, f.err
	}
	f.began <- ctx
	out := make(chan *model.ScalingActivityChange)
	go func() {
		defer close(out)
		for {
			select {
			case c, ok := <-f.changes:
				if !ok {
					return
				}
				select {
				case out <- c:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (f *feed) say(cursor string) {
	f.changes <- &model.ScalingActivityChange{Cursor: cursor, Kind: model.ScalingActivityChangeKindStarted}
}

// serveFeed starts the handler with a feed.
func serveFeed(t testing.TB, f *feed, cfg gqlhttp.Config) string {
	t.Helper()
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: f, Complexity: resolvers.Complexity()})
	return start(t, gqlhttp.NewHandler(schema, cfg))
}

const (
	subscription = `subscription { scalingActivityChanged(groups: []) { cursor kind } }`
	singleEvent  = `{"data":{"scalingActivityChanged":{"cursor":"one","kind":"STARTED"}}}`
)

// open sends a request and returns as soon as the response begins.
func open(t testing.TB, method, target, body string, headers ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp, err := http.DefaultTransport.RoundTrip(newRequest(ctx, t, method, target, body, headers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		resp.Body.Close()
	})
	return resp
}

// upTo reads up to and with a text.
func upTo(t testing.TB, r *bufio.Reader, end string) string {
	t.Helper()
	var b strings.Builder
	for !strings.HasSuffix(b.String(), end) {
		c, err := r.ReadByte()
		if err != nil {
			t.Fatalf("%v behind %q, waiting for %q", err, b.String(), end)
		}
		b.WriteByte(c)
	}
	return b.String()
}

func (f *feed) subscribed(t testing.TB) context.Context {
	t.Helper()
	select {
	case ctx := <-f.began:
		return ctx
	case <-time.After(10 * time.Second):
		t.Fatal("nobody subscribed")
		return nil
	}
}

func wait(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s does not end", what)
	}
}

// asEvents are the ways to subscribe by server-sent events.
func asEvents(t testing.TB, target string, headers ...string) map[string]func() *http.Response {
	headers = append(headers, "Accept", "text/event-stream")
	return map[string]func() *http.Response{
		"GET": func() *http.Response {
			return open(t, http.MethodGet, target+"?query="+url.QueryEscape(subscription), "", headers...)
		},
		"POST": func() *http.Response {
			return open(t, http.MethodPost, target, `{"query":`+quoted(subscription)+`}`, append(headers, "Content-Type", "application/json")...)
		},
	}
}

func TestServerSentEvents(t *testing.T) {
	f := newFeed()
	target := serveFeed(t, f, gqlhttp.Config{RequestTimeout: time.Nanosecond, KeepAlive: time.Hour, Events: numberEvents})
	for method, subscribe := range asEvents(t, target, "Last-Event-ID", "7", "X-Request-Id", "mine") {
		f.changes = make(chan *model.ScalingActivityChange)
		resp := subscribe()
		r := bufio.NewReader(resp.Body)
		if got := upTo(t, r, "\n\n"); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" || got != "id: after 7\n\n" {
			t.Errorf("%s: %d %v %q", method, resp.StatusCode, resp.Header, got)
		}
		if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("X-Request-Id") != "mine" {
			t.Errorf("%s: %v", method, resp.Header)
		}
		f.say("one")
		if got := upTo(t, r, "\n\n"); got != "id: after 8\nevent: next\ndata: "+singleEvent+"\n\n" {
			t.Errorf("%s: %q", method, got)
		}
		close(f.changes)
		rest, err := io.ReadAll(r)
		if want := "event: complete\ndata: \n\n"; string(rest) != want || err != nil {
			t.Errorf("%s: %q, %v", method, rest, err)
		}
		f.subscribed(t)
	}
}

// numberEvents numbers events, starting after the last one of the client.
func numberEvents(ctx context.Context, last string) (context.Context, func() string) {
	n := 0
	_, _ = fmt.Sscan(last, &n)
	return ctx, func() string {
		n++
		return fmt.Sprintf("after %d", n-1)
	}
}

func TestSignsOfLife(t *testing.T) {
	f := newFeed()
	target := serveFeed(t, f, gqlhttp.Config{KeepAlive: time.Millisecond})
	r := bufio.NewReader(open(t, http.MethodGet, target+"?query="+url.QueryEscape(subscription), "", "Accept", "text/event-stream").Body)
	for range 3 {
		if got := upTo(t, r, "\n\n"); got != ":\n\n" {
			t.Fatalf("%q", got)
		}
	}
	r = bufio.NewReader(subscribeInParts(t, target).Body)
	upTo(t, r, "\r\n--graphql")
	for range 3 {
		if got := upTo(t, r, "\r\n--graphql"); got != inPart("{}") {
			t.Fatalf("%q", got)
		}
	}
}

func subscribeInParts(t testing.TB, target string) *http.Response {
	return open(t, http.MethodPost, target, `{"query":`+quoted(subscription)+`}`,
		"Accept", "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9", "Content-Type", "application/json")
}

func inPart(body string) string {
	return "\r\nContent-Type: application/json; charset=utf-8\r\n\r\n" + body + "\r\n--graphql"
}

func TestSubscriptionInParts(t *testing.T) {
	f := newFeed()
	resp := subscribeInParts(t, serveFeed(t, f, gqlhttp.Config{KeepAlive: time.Hour}))
	r := bufio.NewReader(resp.Body)
	if got := resp.Header.Get("Content-Type"); got != `multipart/mixed; boundary="graphql"; subscriptionSpec=1.0` {
		t.Error(got)
	}
	if got := upTo(t, r, "{}\r\n--graphql"); got != "\r\n--graphql"+inPart("{}") {
		t.Errorf("%q", got)
	}
	f.say("one")
	if got := upTo(t, r, "}\r\n--graphql"); got != inPart(`{"payload":`+singleEvent+`}`) {
		t.Errorf("%q", got)
	}
	close(f.changes)
	if rest, err := io.ReadAll(r); string(rest) != "--\r\n" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestSubscriptionsThatFail end with their error.
func TestSubscriptionsThatFail(t *testing.T) {
	f := newFeed()
	f.err = errors.New("secret")
	target := serveFeed(t, f, gqlhttp.Config{KeepAlive: time.Hour})
	const failed = `{"errors":[{"message":"Something went wrong on our side; the request id names it in our logs.","path":["scalingActivityChanged"],"locations":[{"line":1,"column":16}],"extensions":{"code":"INTERNAL","retryable":false}}]}`
	for method, subscribe := range asEvents(t, target) {
		text, err := io.ReadAll(subscribe().Body)
		if want := ":\n\nevent: next\ndata: " + failed + "\n\nevent: complete\ndata: \n\n"; string(text) != want || err != nil {
			t.Errorf("%s: %q, %v", method, text, err)
		}
	}
	text, err := io.ReadAll(subscribeInParts(t, target).Body)
	if want := "\r\n--graphql" + inPart("{}") + inPart(`{"payload":`+failed+`}`) + "--\r\n"; string(text) != want || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestQueryAsEvents is for clients that take nothing else.
func TestQueryAsEvents(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	text, err := io.ReadAll(open(t, http.MethodGet, target+"?query="+url.QueryEscape(groupQuery), "", "Accept", "text/event-stream").Body)
	if want := ":\n\nevent: next\ndata: " + groupResponse + "\n\nevent: complete\ndata: \n\n"; string(text) != want || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	resp := open(t, http.MethodGet, target+"?query={nothing}", "", "Accept", "text/event-stream")
	if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Content-Type") != responseMedia {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// TestClientDisconnects has nothing left behind.
func TestClientDisconnects(t *testing.T) {
	f, streams := newFeed(), new(stream.Registry)
	target := serveFeed(t, f, gqlhttp.Config{KeepAlive: time.Millisecond, Streams: streams})
	ctx, cancel := context.WithCancel(t.Context())
	for range 20 {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, target+"?query="+url.QueryEscape(subscription), nil)
		req.Header.Set("Accept", "text/event-stream")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
	}
	var subscribed []context.Context
	for range 20 {
		subscribed = append(subscribed, f.subscribed(t))
	}
	if streams.Count() != 20 {
		t.Errorf("%d streams", streams.Count())
	}
	cancel()
	for _, ctx := range subscribed {
		wait(t, "a subscription", ctx.Done())
	}
}

// TestStreamsEnd in the words of each protocol when the program stops.
func TestStreamsEnd(t *testing.T) {
	f, streams := newFeed(), new(stream.Registry)
	target := serveFeed(t, f, gqlhttp.Config{KeepAlive: time.Hour, Streams: streams})
	events := open(t, http.MethodGet, target+"?query="+url.QueryEscape(subscription), "", "Accept", "text/event-stream")
	inParts := subscribeInParts(t, target)
	f.subscribed(t)
	f.subscribed(t)
	if err := streams.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	for resp, want := range map[*http.Response]string{events: ":\n\nevent: complete\ndata: \n\n", inParts: "\r\n--graphql" + inPart("{}") + "--\r\n"} {
		if text, err := io.ReadAll(resp.Body); string(text) != want || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	}
	again := open(t, http.MethodGet, target+"?query="+url.QueryEscape(subscription), "", "Accept", "text/event-stream")
	if again.StatusCode != http.StatusServiceUnavailable || again.Header.Get("Retry-After") == "" {
		t.Errorf("afterwards: %d %v", again.StatusCode, again.Header)
	}
}
