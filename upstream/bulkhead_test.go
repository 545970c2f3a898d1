package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/request"
)

// rejectsInventedTokens is an upstream that takes a second for each token, and then rejects those that were invented.
var rejectsInventedTokens = roundTripper(func(req *http.Request) (*http.Response, error) {
	select {
	case <-time.After(time.Second):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	status := http.StatusOK
	if strings.HasPrefix(req.Header.Get("X-Auth-Token"), "invented") {
		status = http.StatusUnauthorized
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(emptyPage))}, nil
})

// However many tokens are invented, and however they are sent, half of the slots stays free for callers that the upstream has accepted.
func TestInventedTokensLeaveSlots(t *testing.T) {
	for name, invent := range map[string]func(n int) *request.Caller{
		"for all projects": func(n int) *request.Caller { return &request.Caller{Token: "invented" + strconv.Itoa(n)} },
		"for one project": func(n int) *request.Caller {
			return &request.Caller{Tokens: map[string]string{"p1": "invented" + strconv.Itoa(n)}}
		},
		"beside a valid one": func(n int) *request.Caller {
			return &request.Caller{Token: "valid", Tokens: map[string]string{"p1": "invented" + strconv.Itoa(n)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := guarded(t, rejectsInventedTokens)
				list := func(caller *request.Caller, group string) error {
					_, err := c.List(request.WithCaller(t.Context(), caller), ListQuery{Group: Group{"here", "p1", group}, Limit: 1})
					return err
				}
				if err := list(&request.Caller{Token: "healthy"}, "g"); err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				for i := range 500 {
					wg.Go(func() { _ = list(invent(i), "g"+strconv.Itoa(i)) })
				}
				synctest.Wait()
				start := time.Now()
				if err := list(&request.Caller{Token: "healthy"}, "g"); err != nil || time.Since(start) > time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				wg.Wait()
			})
		})
	}
}

// A valid token has one share, whatever is sent beside it.
func TestInventedTokensAddNoShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inFlight := make(chan struct{}, 64)
		c := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			inFlight <- struct{}{}
			<-req.Context().Done()
			return nil, req.Context().Err()
		}))
		c.callers.accept(&call{project: "p1", caller: &request.Caller{Token: "valid"}})
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				caller := &request.Caller{Token: "invented" + strconv.Itoa(i), Tokens: map[string]string{"p1": "valid"}}
				_, _ = c.List(request.WithCaller(t.Context(), caller), ListQuery{Group: Group{"here", "p1", "g" + strconv.Itoa(i)}, Limit: 1})
			})
		}
		synctest.Wait()
		if n := len(inFlight); n != 16 {
			t.Errorf("%d calls in flight, want a quarter of 64", n)
		}
		for range len(inFlight) {
			<-inFlight
		}
		wg.Wait()
	})
}

// What is remembered of callers does not grow with the length of their tokens.
func TestLongTokensAreNotRemembered(t *testing.T) {
	c := guarded(t, roundTripper(func(*http.Request) (*http.Response, error) {
		header := http.Header{"Retry-After": {"30"}}
		return &http.Response{StatusCode: http.StatusTooManyRequests, Header: header, Body: io.NopCloser(strings.NewReader("{}"))}, nil
	}))
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range 500 {
		_ = listAs(t, c, fmt.Sprintf("%0*d", 64<<10, i), "g")
	}
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("%d KiB are held for 500 tokens of 64 KiB", grown>>10)
	}
	runtime.KeepAlive(c)
}

// guarded returns a client with 64 slots over a transport.
func guarded(t *testing.T, transport http.RoundTripper) *Client {
	t.Helper()
	c, err := New(Config{Endpoints: map[string]string{"here": "http://h"}, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A group has at most a quarter of the slots, whoever reads it, and a free slot goes to the caller with the fewest, then to the longest wait.
func TestSlotsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBulkhead(8, time.Second)
		acquire := func(group string, caller callerKey) (func(), error) {
			return b.acquire(t.Context(), slotRequest{group: groupKey{group: group}, caller: caller, known: true})
		}
		for caller := range callerKey(2) {
			if _, err := acquire("sick", caller); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := acquire("sick", 2); err == nil {
			t.Error("a group holds more than a quarter of the slots")
		}
		var last func() // releases the last free slot
		for i := range 6 {
			release, err := acquire("g"+strconv.Itoa(i), callerKey(10+i))
			if err != nil {
				t.Fatal(err)
			}
			last = release
		}
		order := make(chan callerKey, 3)
		var wg sync.WaitGroup
		for _, caller := range []callerKey{0, 20, 21} { // the first holds a slot already
			wg.Go(func() {
				if release, err := acquire("h"+strconv.Itoa(int(caller)), caller); err == nil {
					order <- caller
					release()
				}
			})
			synctest.Wait()
		}
		last()
		wg.Wait()
		if got := []callerKey{<-order, <-order, <-order}; got[0] != 20 || got[1] != 21 {
			t.Errorf("the order was %v", got)
		}
	})
}

// A call waits for a slot for a limited time. One caller has a limited number of waiting calls, which takes nothing from other callers.
func TestWaitForSlotIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBulkhead(4, time.Second)
		hanging := slotRequest{group: groupKey{group: "hanging"}, caller: 1, known: true}
		release, err := b.acquire(t.Context(), hanging)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		expectBusy := func(r slotRequest, want time.Duration) {
			if _, err := b.acquire(t.Context(), r); !errors.Is(err, ErrBusy) || time.Since(began) != want {
				t.Errorf("caller %d: %v after %v, want ErrBusy after %v", r.caller, err, time.Since(began), want)
			}
		}
		var waiting sync.WaitGroup
		for range maxQueued {
			waiting.Go(func() { expectBusy(hanging, time.Second) })
		}
		synctest.Wait()
		expectBusy(hanging, 0)
		another := hanging
		another.caller = 2
		waiting.Go(func() { expectBusy(another, time.Second) })
		waiting.Wait()
		release()
		if b.inUse.all != 0 || b.queued.all != 0 || len(b.waiters) != 0 {
			t.Errorf("%d slots in use, %d calls waiting", b.inUse.all, b.queued.all)
		}
	})
}
