package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/request"
)

// script is an upstream without a network, for tests in a bubble: it responds to call i with the i-th status, and later ones with
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

// become changes the next responses of the script.
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

// scripted returns a client of the script, with the retry policy of production.
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
		"404":                      {[]int{404, 200}, nil, 1, ErrBadResponse},
		"408":                      {[]int{408, 200}, nil, 2, nil},
		"421":                      {[]int{421, 200}, nil, 2, nil},
		"425":                      {[]int{425, 425, 425}, nil, 3, ErrUnavailable},
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

func TestAtIsTimeOfLastAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503, 200}}
		l, err := list(t, scripted(t, s))
		if err != nil || !l.At.Equal(s.calls[1]) {
			t.Errorf("At %v, attempts %v, error %v", l.At, s.calls, err)
		}
	})
}

func TestTimeoutCoversAllAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503, 1}}
		start := time.Now()
		_, err := list(t, scripted(t, s))
		if took := time.Since(start); !errors.Is(err, ErrTimeout) || took != 10*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestCancelEndsRetries(t *testing.T) {
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

func TestGroupBackoffAfterTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{1}}
		c := scripted(t, s)
		_ = listAs(t, c, "first", "sick")
		start := time.Now()
		for i := range 199 {
			if err := listAs(t, c, strconv.Itoa(i), "sick"); !errors.Is(err, ErrTimeout) {
				t.Fatal(err)
			}
		}
		if s.count() != 1 || time.Since(start) != 0 {
			t.Errorf("%d calls, %v", s.count(), time.Since(start))
		}
		s.become(200)
		time.Sleep(minGroupBackoff)
		if err := listAs(t, c, "later", "sick"); err != nil {
			t.Errorf("after the backoff: %v", err)
		}
	})
}

// A group that responds, but only with failures, is called a few times and then after a backoff. Other groups are not affected.
func TestGroupBackoffAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{500}}
		c := scripted(t, s)
		for i := range 200 {
			if err := listAs(t, c, strconv.Itoa(i), "sick"); !errors.Is(err, ErrUnavailable) {
				t.Fatal(err)
			}
		}
		if s.count() != groupFailures {
			t.Errorf("%d calls, want %d", s.count(), groupFailures)
		}
		s.become(200)
		if err := listAs(t, c, "a", "healthy"); err != nil {
			t.Errorf("another group: %v", err)
		}
		time.Sleep(minGroupBackoff)
		if err := listAs(t, c, "a", "sick"); err != nil {
			t.Errorf("after the backoff: %v", err)
		}
	})
}

func TestRetryAfterIsRememberedByCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{429}, retryAfter: func() string { return "30" }}
		c := scripted(t, s)
		_ = listAs(t, c, "throttled", "g")
		time.Sleep(10 * time.Second)
		s.become(200)
		var status *StatusError
		if err := listAs(t, c, "throttled", "other"); !errors.As(err, &status) || !errors.Is(err, ErrRateLimited) ||
			status.RetryAfter != 20*time.Second || s.count() != 1 {
			t.Errorf("%v after %d calls", err, s.count())
		}
		if err := listAs(t, c, "healthy", "g"); err != nil {
			t.Errorf("another caller: %v", err)
		}
		throttled := request.WithCaller(t.Context(), &request.Caller{Token: "throttled"})
		if _, err := c.List(throttled, ListQuery{Group: Group{"there", "p1", "g"}, Limit: 1}); err != nil {
			t.Errorf("another region: %v", err)
		}
		time.Sleep(20 * time.Second)
		if err := listAs(t, c, "throttled", "g"); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

// One caller's hanging groups leave slots to others.
func TestHangingGroupsOfOneCallerLeaveSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := roundTripper(func(req *http.Request) (*http.Response, error) {
			if strings.Contains(req.URL.Path, "hanging") {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(emptyPage))}, nil
		})
		c, err := New(Config{Endpoints: map[string]string{"here": "http://h"}, Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() { _ = listAs(t, c, "hostile", "hanging"+strconv.Itoa(i)) })
		}
		synctest.Wait()
		start := time.Now()
		if err := listAs(t, c, "healthy", "g"); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		wg.Wait()
	})
}
