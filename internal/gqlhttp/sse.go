package gqlhttp

import (
	"bytes"
	"strings"

	"github.com/99designs/gqlgen/graphql"
)

// sse writes server-sent events as the protocol "GraphQL over Server-Sent Events" has them in its distinct connections mode.
type sse struct{ *exchange }

func (s sse) begin(id string) error {
	s.open(mediaEvents + "; charset=utf-8")
	if id != "" {
		return s.send("id: " + id + "\n\n") // so that a client that breaks off before the first event loses nothing
	}
	return s.send(":\n\n")
}

func (s sse) event(ev event) error {
	var b strings.Builder
	b.Grow(len(ev.body) + len(ev.id) + 32)
	if ev.id != "" {
		b.WriteString("id: " + ev.id + "\n")
	}
	b.WriteString("event: next\ndata: ")
	b.Write(bytes.ReplaceAll(ev.body, []byte("\n"), nil)) // JSON has none but between its tokens
	b.WriteString("\n\n")
	return s.send(b.String())
}

func (s sse) beat() error { return s.send(":\n\n") }

// end has a data line, because without one EventSource keeps the event to itself.
func (s sse) end() error { return s.send("event: complete\ndata: \n\n") }

func (s sse) send(text string) error {
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.flush()
}

// answerByEvents sends the one answer of an operation to a client that takes nothing but events.
func (x *exchange) answerByEvents(resp *graphql.Response) {
	to := sse{x}
	if to.begin("") == nil && to.event(event{body: encode(inTime(resp))}) == nil {
		_ = to.end() // who is gone needs no end
	}
}
