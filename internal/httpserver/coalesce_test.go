package httpserver

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"scalegraph/internal/testkit"
)

// countingListener counts what its connections write.
type countingListener struct {
	net.Listener
	writes *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c.(*net.TCPConn), l.writes}, nil
}

// countingConn counts calls of Write. A writev, which sends two pieces in one system call, is none.
type countingConn struct {
	*net.TCPConn
	writes *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.TCPConn.Write(p)
}

// joinedServer serves a handler as the program does, and counts writes.
func joinedServer(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	writes := new(atomic.Int64)
	s := httptest.NewUnstartedServer(Middleware(h, slog.New(slog.DiscardHandler)))
	s.Listener = coalescingListener{countingListener{s.Listener, writes}}
	s.Config.ConnContext, s.Config.ConnState = withConn, removeWriteDeadline
	s.Start()
	t.Cleanup(s.Close)
	return s, writes
}

func TestResponsesAreSentInOnePiece(t *testing.T) {
	for _, size := range []int{0, 100, 4000, 4552, 16_000, 100_000} {
		for _, length := range []bool{true, false} {
			body := bytes.Repeat([]byte("x"), size)
			s, writes := joinedServer(t, func(w http.ResponseWriter, _ *http.Request) {
				if length {
					w.Header().Set("Content-Length", strconv.Itoa(size))
					w.WriteHeader(http.StatusOK)
				}
				_, _ = w.Write(body)
			})
			for round := range 3 { // on one connection
				before := writes.Load()
				resp, err := s.Client().Get(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || !bytes.Equal(got, body) {
					t.Fatalf("%d bytes, round %d: got %d, %v", size, round, len(got), err)
				}
				if n := writes.Load() - before; length && n > 1 {
					t.Errorf("%d bytes took %d writes, want 1", size, n)
				}
			}
		}
	}
}

// TestResponsesAreSentIfConnectionEnds after them, so that it never turns idle.
func TestResponsesAreSentIfConnectionEnds(t *testing.T) {
	s, _ := joinedServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		w.Header().Set("Connection", "close")
		_, _ = w.Write([]byte("whole"))
	})
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); string(got) != "whole" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestFlushSends although the response is not whole, and its length is known.
func TestFlushSends(t *testing.T) {
	seen := make(chan struct{})
	s, _ := joinedServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "8")
		_, _ = w.Write([]byte("half"))
		w.(http.Flusher).Flush()
		select {
		case <-seen:
		case <-r.Context().Done():
		}
		_, _ = w.Write([]byte("rest"))
	})
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	half := make([]byte, 4)
	if _, err := io.ReadFull(resp.Body, half); err != nil || string(half) != "half" {
		t.Fatalf("got %q, %v", half, err)
	}
	close(seen)
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "rest" {
		t.Errorf("got %q, %v", rest, err)
	}
}

// TestClientThatReadsNothingIsDisconnected must not keep a server from ending.
func TestClientThatReadsNothingIsDisconnected(t *testing.T) {
	served := make(chan struct{}, 1)
	s, _ := joinedServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(1<<26))
		served <- struct{}{}
		_, _ = w.Write(make([]byte, 1<<26))
	})
	conn := testkit.Dial(t, s.Listener.Addr().String())
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-served
	_ = s.Config.Close()
}
