package upstream

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalegraph/internal/request"
)

func TestListLimitsBodies(t *testing.T) {
	for name, gzipped := range map[string]bool{"plain": false, "gzip": true} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				var out io.Writer = w
				if gzipped {
					w.Header().Set("Content-Encoding", "gzip")
					z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // fails only for levels that do not exist
					defer z.Close()
					out = z
				}
				_, _ = io.WriteString(out, `{"total_number":0,"scaling_activity_log":[],"x":"`)
				spaces := []byte(strings.Repeat(" ", 1<<20))
				for range 33 {
					if _, err := out.Write(spaces); err != nil {
						return
					}
				}
				_, _ = io.WriteString(out, `"}`)
			})
			if _, err := list(t, c); !errors.Is(err, ErrBadResponse) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestListTimesOut(t *testing.T) {
	for name, early := range map[string]string{"before the headers": "", "within the body": `{"total`} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if early != "" {
					_, _ = io.WriteString(w, early)
					w.(http.Flusher).Flush()
				}
				<-r.Context().Done()
			}, func(cfg *Config) { cfg.Timeout = 50 * time.Millisecond })
			caller := &request.Caller{}
			_, err := c.List(request.WithCaller(t.Context(), caller), ListQuery{Group: testGroup, Limit: 1})
			if !errors.Is(err, ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if n := caller.Tally.Calls.Load(); n != 1 {
				t.Errorf("a call that hangs was made %d times", n)
			}
		})
	}
}

func TestListEndsIfCallerCancels(t *testing.T) {
	arrived := make(chan struct{}, 1)
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	}, func(cfg *Config) { cfg.Concurrency = 1 })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := c.List(ctx, ListQuery{Group: testGroup, Limit: 1})
		done <- err
	}()
	<-arrived

	// The only slot is in use: a second caller waits for it until its context ends.
	hurried, cancelHurried := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancelHurried()
	if _, err := c.List(hurried, ListQuery{Group: testGroup, Limit: 1}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTimeout) {
		t.Errorf("waiting for a slot ended with %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || errors.Is(err, ErrTimeout) {
		t.Errorf("the call ended with %v", err)
	}
}

func TestListLimitsCallsInFlight(t *testing.T) {
	var now, most atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		says(200, emptyPage)(w, r)
	}, func(cfg *Config) { cfg.Concurrency = 3 })
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := list(t, c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 {
		t.Errorf("%d calls at once", most.Load())
	}
}

func TestListWithoutUpstream(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	caller := &request.Caller{}
	c := dial(t, "http://"+closed.Addr().String())
	_, err = c.List(request.WithCaller(t.Context(), caller), ListQuery{Group: testGroup, Limit: 1})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if caller.Tally.Calls.Load() != 3 {
		t.Errorf("%d attempts", caller.Tally.Calls.Load())
	}
}

// raw starts a server that sends the same bytes on every connection and closes it.
func raw(t *testing.T, response string) (base string, connections *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	connections = new(atomic.Int32)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, response)
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String(), connections
}

func TestListWithBrokenConnections(t *testing.T) {
	for name, tc := range map[string]struct {
		response string
		want     error
		calls    int32
	}{
		"closed at once":    {"", ErrUnavailable, 3},
		"not HTTP":          {"SSH-2.0-OpenSSH\r\n", ErrBadResponse, 1},
		"page cut off":      {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + emptyPage[:20], ErrBadResponse, 1},
		"cut between":       {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + emptyPage[:20], ErrBadResponse, 1},
		"gzip that is none": {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!", ErrBadResponse, 1},
		"error cut off":     {"HTTP/1.1 400 Bad\r\nContent-Length: 99\r\n\r\n{\"error\"", ErrRejected, 1},
	} {
		t.Run(name, func(t *testing.T) {
			base, connections := raw(t, tc.response)
			_, err := list(t, dial(t, base))
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v", err)
			}
			if connections.Load() != tc.calls {
				t.Errorf("%d connections, want %d", connections.Load(), tc.calls)
			}
		})
	}
}

func TestErrorsDoNotContainURL(t *testing.T) {
	var u *url.Error
	_, err := list(t, serve(t, says(500, "x")))
	if errors.As(err, &u) || strings.Contains(err.Error(), "autoscaling-api") {
		t.Errorf("got %v", err)
	}
}

func TestListStopsAtCallBudget(t *testing.T) {
	var asked atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		says(503, "down")(w, r)
	})
	caller := &request.Caller{MaxCalls: 2}
	_, err := c.List(request.WithCaller(t.Context(), caller), ListQuery{Group: testGroup, Limit: 1})
	if !errors.Is(err, request.ErrTooManyCalls) {
		t.Errorf("got %v", err)
	}
	if asked.Load() != 2 || caller.Tally.Calls.Load() != 2 {
		t.Errorf("%d calls made, %d counted, want 2", asked.Load(), caller.Tally.Calls.Load())
	}
}
