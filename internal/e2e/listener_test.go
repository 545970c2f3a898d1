package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// receivedChange is a change as a client receives it.
type receivedChange struct {
	Data struct {
		Change struct {
			Cursor, Kind string
			Activity     struct{ LogID, Status string }
			Typename     string `json:"__typename"` // of scalingFeed
			Code         string // of a group that is unavailable
		} `json:"scalingActivityChanged"`
	}
	Errors []struct{ Extensions struct{ Code string } }
}

func (h receivedChange) String() string {
	if len(h.Errors) > 0 {
		return h.Errors[0].Extensions.Code
	}
	return h.Data.Change.Kind + " " + h.Data.Change.Activity.LogID
}

// A listener receives the changes of one subscription over any transport.
type listener struct {
	next        func() (receivedChange, bool) // false when the subscription has ended
	endReported func() bool                   // whether the protocol reported the end; valid after the end
	leave       func()
}

// byEvents subscribes by server-sent events. When it returns, the subscription has begun.
func byEvents(t testing.TB, base, query string, headers ...string) listener {
	t.Helper()
	l, err := openEvents(base, query, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func openEvents(base, query string, headers ...string) (listener, error) {
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/graphql?query="+url.QueryEscape(query), nil)
	if err != nil {
		cancel()
		return listener{}, err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("X-Auth-Token", testToken)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ReadBufferSize: 1024}}
	resp, err := client.Do(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		err = errors.New(resp.Status)
	}
	if err != nil {
		cancel()
		return listener{}, err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 1024), 1<<20)
	lines.Scan() // the id, or the sign of life, that every stream begins with
	over := false
	next := func() (h receivedChange, ok bool) {
		for lines.Scan() {
			if lines.Text() == "event: complete" {
				over = true
				return receivedChange{}, false
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: {"); ok {
				return h, json.Unmarshal([]byte("{"+data), &h) == nil
			}
		}
		return receivedChange{}, false
	}
	return listener{next, func() bool { return over }, sync.OnceFunc(func() {
		cancel()
		resp.Body.Close()
	})}, nil
}

// bySocket subscribes over a WebSocket. The protocol does not report when a subscription has begun.
func bySocket(t testing.TB, base, query string) listener {
	t.Helper()
	l, err := openSocket(base, query)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func openSocket(base, query string) (listener, error) {
	ctx := context.Background()
	conn, _, err := websocket.Dial(ctx, base+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return listener{}, err
	}
	payload, _ := json.Marshal(map[string]string{"query": query})
	for _, text := range []string{`{"type":"connection_init","payload":{"X-Auth-Token":"` + testToken + `"}}`, `{"type":"subscribe","id":"1","payload":` + string(payload) + `}`} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			_ = conn.CloseNow()
			return listener{}, err
		}
	}
	over := false
	next := func() (receivedChange, bool) {
		for {
			var m struct {
				Type    string
				Payload json.RawMessage
			}
			_, text, err := conn.Read(ctx)
			if err != nil || json.Unmarshal(text, &m) != nil {
				over = websocket.CloseStatus(err) == websocket.StatusGoingAway
				return receivedChange{}, false
			}
			switch m.Type {
			case "next":
				var h receivedChange
				return h, json.Unmarshal(m.Payload, &h) == nil
			case "error":
				var h receivedChange
				return h, json.Unmarshal(m.Payload, &h.Errors) == nil
			case "complete":
				over = true
				return receivedChange{}, false
			}
		}
	}
	return listener{next, func() bool { return over }, sync.OnceFunc(func() { _ = conn.CloseNow() })}, nil
}
