package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// script is an upstream without a network, for tests in a bubble: it answers call i with the i-th status, and later ones with
// the last. 0 stands for no connection, 1 for silence until the call ends.
type script struct {
	mu         sync.Mutex
	statuses   []int
	retryAfter func() string
	calls      []time.Time
	hosts      []string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	status := s.statuses[min(len(s.calls), len(s.statuses)-1)]
	s.calls = append(s.calls, time.Now())
	s.hosts = append(s.hosts, req.URL.Host)
	s.mu.Unlock()
	switch status {
	case 0:
		return nil, io.EOF
	case 1:
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(emptyPage))}
	if s.retryAfter != nil {
		resp.Header.Set("Retry-After", s.retryAfter())
	}
	return resp, nil
}

// become changes what the script answers from now on.
func (s *script) become(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses = []int{status}
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// scripted returns a client of the script, at the pace of production.
func scripted(t *testing.T, s *script) *Client {
	t.Helper()
	c, err := New(Config{
		Endpoints: map[string]string{"here": "http://here.example", "there": "http://there.example"},
		Transport: s,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRetriesOnlyWhereSafe(t *testing.T) {
	sent := func(s string) func() string { return func() string { return s } }
	in := func(d time.Duration) func() string {
		return func() string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	}
	for name, tc := range map[string]struct {
		statuses   []int
		retryAfter func() string
		calls      int
		want       error
	}{
		"success":                  {[]int{200}, nil, 1, nil},
		"connection comes back":    {[]int{0, 200}, nil, 2, nil},
		"no connection":            {[]int{0}, nil, 3, ErrUnavailable},
		"502":                      {[]int{502}, nil, 3, ErrUnavailable},
		"503 twice":                {[]int{503, 503, 200}, nil, 3, nil},
		"504":                      {[]int{504}, nil, 3, ErrTimeout},
		"of every kind":            {[]int{502, 0, 200}, nil, 3, nil},
		"503, soon":                {[]int{503, 200}, sent("2"), 2, nil},
		"503, much later":          {[]int{503, 200}, sent("3"), 1, ErrUnavailable},
		"500":                      {[]int{500, 200}, nil, 1, ErrUnavailable},
		"501":                      {[]int{501, 200}, nil, 1, ErrUnavailable},
		"400":                      {[]int{400, 200}, nil, 1, ErrRejected},
		"401":                      {[]int{401, 200}, sent("1"), 1, ErrUnauthenticated},
		"403":                      {[]int{403, 200}, nil, 1, ErrForbidden},
		"404":                      {[]int{404, 200}, nil, 1, ErrRejected},
		"408":                      {[]int{408, 200}, nil, 1, ErrTimeout},
		"302":                      {[]int{302, 200}, nil, 1, ErrBadResponse},
		"hanging":                  {[]int{1, 200}, nil, 1, ErrTimeout},
		"503, then hanging":        {[]int{503, 1, 200}, nil, 2, ErrTimeout},
		"429":                      {[]int{429, 200}, nil, 1, ErrRateLimited},
		"429, at once":             {[]int{429, 200}, sent("0"), 2, nil},
		"429, soon":                {[]int{429, 200}, sent("2"), 2, nil},
		"429, later":               {[]int{429, 200}, sent("3"), 1, ErrRateLimited},
		"429, soon by date":        {[]int{429, 200}, in(2 * time.Second), 2, nil},
		"429, later by date":       {[]int{429, 200}, in(4 * time.Second), 1, ErrRateLimited},
		"429, unreadable":          {[]int{429, 200}, sent("soon"), 1, ErrRateLimited},
		"429 again and again":      {[]int{429}, sent("1"), 3, ErrRateLimited},
		"429, then 401, then fine": {[]int{429, 401, 200}, sent("1"), 2, ErrUnauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{statuses: tc.statuses, retryAfter: tc.retryAfter}
				_, err := list(t, scripted(t, s))
				if !errors.Is(err, tc.want) || len(s.calls) != tc.calls {
					t.Errorf("%d calls, then %v; want %d, then %v", len(s.calls), err, tc.calls, tc.want)
				}
			})
		})
	}
}

func TestRetriesBackOff(t *testing.T) {
	for name, tc := range map[string]struct {
		retryAfter  string
		first, last [2]time.Duration // bounds of the two waits
	}{
		"by themselves": {"", [2]time.Duration{50, 150}, [2]time.Duration{100, 300}},
		"as told":       {"1", [2]time.Duration{1050, 1150}, [2]time.Duration{1100, 1300}},
	} {
		t.Run(name, func(t *testing.T) {
			waits := map[time.Duration]bool{}
			for range 20 {
				synctest.Test(t, func(t *testing.T) {
					s := &script{statuses: []int{503}, retryAfter: func() string { return tc.retryAfter }}
					_, _ = list(t, scripted(t, s))
					for i, bounds := range [][2]time.Duration{tc.first, tc.last} {
						wait := s.calls[i+1].Sub(s.calls[i])
						if wait < bounds[0]*time.Millisecond || wait > bounds[1]*time.Millisecond {
							t.Errorf("wait %d took %v, want %d to %d ms", i, wait, bounds[0], bounds[1])
						}
						waits[wait] = true
					}
				})
			}
			if len(waits) < 30 {
				t.Errorf("40 waits had %d lengths: no jitter", len(waits))
			}
		})
	}
}

func TestTheMomentOfTheLastAttemptCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503, 200}}
		l, err := list(t, scripted(t, s))
		if err != nil || !l.At.Equal(s.calls[1]) {
			t.Errorf("At %v, attempts %v, error %v", l.At, s.calls, err)
		}
	})
}

func TestOneTimeoutBoundsAllAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503, 1}}
		start := time.Now()
		_, err := list(t, scripted(t, s))
		if took := time.Since(start); !errors.Is(err, ErrTimeout) || took != 10*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestACallerWhoLeavesEndsTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := scripted(t, s).List(ctx, ListQuery{Group: testGroup, Limit: 1})
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTimeout) || len(s.calls) != 1 {
			t.Errorf("%v after %d calls", err, len(s.calls))
		}
	})
}

// fail makes calls until the circuit is open, and returns how many attempts that took.
func fail(t *testing.T, c *Client, s *script) int {
	t.Helper()
	for range 100 {
		if c.Circuits()["here"] == "open" {
			return s.count()
		}
		if _, err := list(t, c); err == nil {
			t.Fatal("a call did not fail")
		}
	}
	t.Fatal("the circuit never opened")
	return 0
}

func TestTheCircuitOpensOnFaultsOfTheUpstream(t *testing.T) {
	for name, status := range map[string]int{"no connection": 0, "silence": 1, "500": 500, "503": 503, "504": 504} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{statuses: []int{status}}
				c, err := New(Config{Endpoints: map[string]string{"here": "http://h"}, Transport: s, Timeout: time.Second})
				if err != nil {
					t.Fatal(err)
				}
				attempts := fail(t, c, s)
				if attempts < 20 || attempts > 22 {
					t.Errorf("open after %d attempts", attempts)
				}
				if _, err := list(t, c); !errors.Is(err, ErrUnavailable) || s.count() != attempts {
					t.Errorf("open, yet %d further calls and %v", s.count()-attempts, err)
				}
			})
		})
	}
}

func TestTheCircuitStaysClosed(t *testing.T) {
	for name, statuses := range map[string][]int{
		"refusals":          {400, 401, 403, 404, 408, 409, 429, 302},
		"fewer than a half": {500, 200, 200, 500, 200, 500, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				for range 20 {
					s.statuses = append(s.statuses, statuses...)
				}
				c := scripted(t, s)
				for range s.statuses {
					_, _ = list(t, c)
				}
				if got := c.Circuits()["here"]; got != "closed" || s.count() != len(s.statuses) {
					t.Errorf("%s after %d of %d calls", got, s.count(), len(s.statuses))
				}
			})
		})
	}
}

func TestCallersWhoLeaveDoNotOpenTheCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{1}}
		c := scripted(t, s)
		for range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, _ = c.List(ctx, ListQuery{Group: testGroup, Limit: 1})
			cancel()
		}
		if got := c.Circuits()["here"]; got != "closed" || s.count() != 50 {
			t.Errorf("%s after %d calls", got, s.count())
		}
	})
}

func TestAnOpenCircuitIsTriedByOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{500}}
		c := scripted(t, s)
		before := fail(t, c, s)

		time.Sleep(5 * time.Second) // of the bubble's clock
		if _, err := list(t, c); !errors.Is(err, ErrUnavailable) || s.count() != before+1 || c.Circuits()["here"] != "open" {
			t.Errorf("a failing trial: %v, %d calls, %s", err, s.count()-before, c.Circuits()["here"])
		}

		time.Sleep(5 * time.Second)
		s.become(1)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { _, _ = list(t, c) })
		}
		synctest.Wait()
		if s.count() != before+2 || c.Circuits()["here"] != "half-open" {
			t.Errorf("%d trials at once, %s", s.count()-before-1, c.Circuits()["here"])
		}
		wg.Wait()

		time.Sleep(5 * time.Second)
		s.become(200)
		if _, err := list(t, c); err != nil || c.Circuits()["here"] != "closed" {
			t.Errorf("a trial that succeeds: %v, %s", err, c.Circuits()["here"])
		}
	})
}

func TestATrialThatIsLeftProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{500}}
		c := scripted(t, s)
		fail(t, c, s)
		time.Sleep(5 * time.Second)
		s.become(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.List(ctx, ListQuery{Group: testGroup, Limit: 1})
		if !errors.Is(err, context.DeadlineExceeded) || c.Circuits()["here"] != "open" {
			t.Errorf("%v, then %s", err, c.Circuits()["here"])
		}
		time.Sleep(5 * time.Second)
		s.become(200)
		if _, err := list(t, c); err != nil {
			t.Errorf("the circuit did not recover: %v", err)
		}
	})
}

func TestRegionsFailAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503}}
		c := scripted(t, s)
		fail(t, c, s)
		s.become(200)
		if _, err := c.List(t.Context(), ListQuery{Group: Group{"there", "p", "g"}, Limit: 1}); err != nil {
			t.Errorf("the other region: %v", err)
		}
		if got := s.hosts[len(s.hosts)-1]; got != "there.example" {
			t.Errorf("asked %s", got)
		}
	})
}
