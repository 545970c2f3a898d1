package stream

import (
	"bytes"
	"net/http"
)

// SSE writes server-sent events in the distinct connections mode of the protocol "GraphQL over Server-Sent Events".
type SSE struct{ W http.ResponseWriter }

// Begin writes the headers and, unless it is empty, the id, so that a client can resume even if the connection breaks before the first event.
func (s SSE) Begin(id string) error {
	open(s.W, MediaEvents+"; charset=utf-8")
	if id != "" {
		return s.send("id: " + id + "\n\n")
	}
	return s.KeepAlive()
}

// Event writes an event of the type next.
func (s SSE) Event(ev Event) error {
	b := make([]byte, 0, len(ev.Body)+len(ev.ID)+32)
	if ev.ID != "" {
		b = append(b, "id: "+ev.ID+"\n"...)
	}
	b = append(b, "event: next\ndata: "...)
	b = append(b, bytes.ReplaceAll(ev.Body, []byte("\n"), nil)...) // JSON has line breaks between its tokens only
	b = append(b, "\n\n"...)
	return write(s.W, b)
}

// KeepAlive writes a comment.
func (s SSE) KeepAlive() error { return s.send(":\n\n") }

// End writes an event of the type complete. It has a data line, because without one EventSource does not dispatch the event.
func (s SSE) End() error { return s.send("event: complete\ndata: \n\n") }

func (s SSE) send(text string) error { return write(s.W, []byte(text)) }
