package httpserver

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// newcomers counts the connections of a server whose first request has not arrived. http.Server.Shutdown closes them without an answer, also
// where the request is read a moment later, and the client cannot know whether it may ask again. It may be used by many goroutines.
type newcomers struct {
	count atomic.Int64
	conns sync.Map // net.Conn to nothing
}

// note is an http.Server's ConnState.
func (n *newcomers) note(conn net.Conn, state http.ConnState) {
	if state == http.StateNew {
		n.conns.Store(conn, nil)
		n.count.Add(1)
		return
	}
	if n.count.Load() == 0 {
		return // as for nearly all requests of kept connections
	}
	if _, was := n.conns.LoadAndDelete(conn); was {
		n.count.Add(-1)
	}
}

const (
	settle     = 100 * time.Millisecond // for connections that are on their way
	settleMost = 2 * time.Second        // for those that are made ahead and send nothing
	settleLook = 10 * time.Millisecond
)

// settled waits until all that connected to a quiet listener has been accepted and has sent its request, for a short time.
func (n *newcomers) settled(listener net.Listener) {
	began := time.Now()
	for last := began; time.Since(began) < settleMost; time.Sleep(settleLook) {
		if waiting(listener) > 0 || n.count.Load() > 0 {
			last = time.Now()
		}
		if time.Since(began) >= settle && time.Since(last) >= 2*settleLook {
			return
		}
	}
}
