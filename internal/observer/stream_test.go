package observer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"
)

// A change is an event of a subscription.
type change struct {
	cursor, kind string
	edge         edge
}

// A stream is a subscription under way.
type stream struct {
	next  func() (change, error) // errEnded when it has ended
	begin string                 // cursor of where it begins; empty if the transport has none
	close func()
}

var errEnded = errors.New("the stream has ended")

const changeFields = `{ cursor kind activity { logId group { groupId } startTime status type endTime desireValue } }`

func subscription(groups []string, f filter, since string) string {
	args := "groups: " + refs(groups)
	if text := f.text(); text != "" {
		args += ", filter: " + text
	}
	if since != "" {
		args += fmt.Sprintf(", since: %q", since)
	}
	return fmt.Sprintf("subscription { change: scalingActivityChanged(%s) %s }", args, changeFields)
}

func readChange(text []byte) (change, error) {
	var payload object
	if err := json.Unmarshal(text, &payload); err != nil {
		return change{}, err
	}
	if err := fault(payload); err != nil {
		return change{}, err
	}
	var event struct {
		Data struct {
			Change struct {
				Cursor, Kind string
				Activity     activity
			}
		}
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return change{}, err
	}
	c := event.Data.Change
	return change{c.Cursor, c.Kind, c.Activity.edge("")}, nil
}

// events subscribes over server-sent events. When it returns, the subscription has begun.
func (c client) events(ctx context.Context, query string) (stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/graphql?query="+url.QueryEscape(query), nil)
	if err != nil {
		cancel()
		return stream{}, err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("X-Auth-Token", token)
	resp, err := c.http.Do(req)
	if err != nil {
		cancel()
		return stream{}, errors.Join(errEnded, err) // the replica has gone
	}
	s := stream{close: func() {
		cancel()
		resp.Body.Close()
	}}
	if resp.StatusCode != http.StatusOK {
		s.close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			return stream{}, errEnded // it is about to go
		}
		return stream{}, fmt.Errorf("status %d", resp.StatusCode)
	}
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() {
		s.close()
		return stream{}, errEnded
	}
	s.begin = strings.TrimPrefix(strings.TrimPrefix(lines.Text(), ":"), "id: ")
	s.next = func() (change, error) {
		for lines.Scan() {
			if lines.Text() == "event: complete" {
				break
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: {"); ok {
				return readChange([]byte("{" + data))
			}
		}
		return change{}, errEnded
	}
	return s, nil
}

// socket subscribes over a WebSocket. The protocol does not show when the subscription has begun.
func (c client) socket(ctx context.Context, query string) (stream, error) {
	conn, resp, err := websocket.Dial(ctx, c.base+"/graphql", &websocket.DialOptions{HTTPClient: c.http, Subprotocols: []string{"graphql-transport-ws"}})
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
	if err != nil {
		return stream{}, errors.Join(errEnded, err)
	}
	payload, err := json.Marshal(object{"query": query})
	if err != nil {
		return stream{}, err
	}
	err = conn.Write(ctx, websocket.MessageText, []byte(`{"type":"connection_init","payload":{"X-Auth-Token":"`+token+`"}}`))
	if err == nil {
		_, _, err = conn.Read(ctx) // connection_ack
	}
	if err == nil {
		err = conn.Write(ctx, websocket.MessageText, []byte(`{"type":"subscribe","id":"1","payload":`+string(payload)+`}`))
	}
	if err != nil {
		_ = conn.CloseNow()
		return stream{}, errors.Join(errEnded, err)
	}
	return stream{next: func() (change, error) { return nextMessage(ctx, conn) }, close: func() { _ = conn.CloseNow() }}, nil
}

func nextMessage(ctx context.Context, conn *websocket.Conn) (change, error) {
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return change{}, errors.Join(errEnded, err)
		}
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		if err := json.Unmarshal(text, &m); err != nil {
			return change{}, err
		}
		switch m.Type {
		case "next":
			return readChange(m.Payload)
		case "error":
			return change{}, fmt.Errorf("errors %s", m.Payload)
		case "complete":
			return change{}, errEnded
		}
	}
}
