// Package stream writes responses that consist of several events: subscriptions as server-sent events or as multipart responses, and the parts of
// an incremental response. It is independent of the source of the events.
package stream

import (
	"net/http"
	"time"
)

// The media types of streams.
const (
	MediaEvents    = "text/event-stream"
	MediaMultipart = "multipart/mixed"
)

// Event is one response of a stream.
type Event struct {
	ID     string
	Body   []byte // the encoded response
	Errors []byte // the encoded errors alone if the response has no data; otherwise nil
	Code   string // of the first error; empty: none
}

// Sink writes a stream in the form of one protocol. An error means that the client is gone.
type Sink interface {
	Begin(id string) error // id of the position at which the stream begins; empty if events have no ids
	Event(ev Event) error
	KeepAlive() error // so that no proxy closes an idle connection
	End() error
}

// Relay writes events to a sink until there are no more, the client is gone, or draining is closed, with a KeepAlive at each interval. If revoked
// is closed, the event last is the last one. onEvent is called for each event before it is written.
func Relay(events <-chan Event, to Sink, interval time.Duration, draining, revoked <-chan struct{}, last Event, onEvent func(Event)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		var err error
		select {
		case ev, more := <-events:
			if !more {
				_ = to.End() // the client may be gone
				return
			}
			onEvent(ev)
			err = to.Event(ev)
		case <-tick.C:
			err = to.KeepAlive()
		case <-revoked:
			onEvent(last)
			_ = to.Event(last)
			_ = to.End()
			return
		case <-draining:
			_ = to.End()
			return
		}
		if err != nil {
			return
		}
	}
}

// open writes the head of a response of unknown length.
func open(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies must not buffer events
	w.WriteHeader(http.StatusOK)
}

// write writes b and flushes it.
func write(w http.ResponseWriter, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}
