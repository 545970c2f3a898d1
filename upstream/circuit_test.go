package upstream

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/request"
)

// listAs makes a call of a caller about a group.
func listAs(t *testing.T, c *Client, caller, group string) error {
	t.Helper()
	ctx := request.WithCaller(t.Context(), &request.Caller{Token: caller})
	_, err := c.List(ctx, ListQuery{Group: Group{"here", "p1", group}, Limit: 1})
	return err
}

// fail lets different callers call different groups until the circuit is open, and returns how many attempts that took.
func fail(t *testing.T, c *Client, s *script) int {
	t.Helper()
	for i := range 10 {
		if c.Circuits()["here"] == "open" {
			return s.count()
		}
		if err := listAs(t, c, "caller"+strconv.Itoa(i), "failing"+strconv.Itoa(i)); err == nil {
			t.Fatal("a call did not fail")
		}
	}
	t.Fatal("the circuit never opened")
	return 0
}

func TestCircuitOpensIfGroupsAndCallersFail(t *testing.T) {
	for name, status := range map[string]int{"no connection": 0, "silence": 1, "500": 500, "503": 503, "504": 504} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{statuses: []int{status}}
				c := scripted(t, s)
				attempts := fail(t, c, s)
				if err := listAs(t, c, "a", "another"); !errors.Is(err, ErrUnavailable) || s.count() != attempts {
					t.Errorf("open, yet %d further calls and %v", s.count()-attempts, err)
				}
			})
		})
	}
}

func TestCircuitStaysClosedIfOneCallerOrOneGroupFails(t *testing.T) {
	for name, call := range map[string]func(i string) (caller, group string){
		"one caller": func(i string) (string, string) { return "hostile", "sick" + i },
		"one group":  func(i string) (string, string) { return "caller" + i, "sick" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{statuses: []int{500}}
				c := scripted(t, s)
				for i := range 200 {
					caller, group := call(strconv.Itoa(i))
					_ = listAs(t, c, caller, group)
				}
				s.become(200)
				if err := listAs(t, c, "healthy", "healthy"); err != nil || c.Circuits()["here"] != "closed" {
					t.Errorf("%v, circuit %s", err, c.Circuits()["here"])
				}
			})
		})
	}
}

// Failures of few groups and callers do not open the circuit while most others succeed.
func TestCircuitStaysClosedIfMostSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{200}}
		c := scripted(t, s)
		for i := range 10 {
			if err := listAs(t, c, "caller"+strconv.Itoa(i), "g"+strconv.Itoa(i)); err != nil {
				t.Fatal(err)
			}
		}
		s.become(500)
		for i := range 2 * minFailing {
			_ = listAs(t, c, "sick"+strconv.Itoa(i), "sick"+strconv.Itoa(i))
		}
		if got := c.Circuits()["here"]; got != "closed" {
			t.Errorf("%s although %d of %d groups and callers succeed", got, 10, 10+2*minFailing)
		}
	})
}

func TestCircuitStaysClosedOnClientErrors(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 409, 429, 302} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{statuses: []int{status}}
			c := scripted(t, s)
			for i := range 30 {
				_ = listAs(t, c, strconv.Itoa(i), "g"+strconv.Itoa(i))
			}
			if got := c.Circuits()["here"]; got != "closed" || s.count() != 30 {
				t.Errorf("%d: %s after %d calls", status, got, s.count())
			}
		})
	}
}

func TestCanceledCallsDoNotOpenCircuit(t *testing.T) {
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

func TestHalfOpenCircuitPermitsOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{500}}
		c := scripted(t, s)
		before := fail(t, c, s)

		time.Sleep(5 * time.Second) // of the bubble's clock
		if err := listAs(t, c, "a", "trial1"); !errors.Is(err, ErrUnavailable) || s.count() != before+1 || c.Circuits()["here"] != "open" {
			t.Errorf("a failing trial: %v, %d calls, %s", err, s.count()-before, c.Circuits()["here"])
		}

		time.Sleep(5 * time.Second)
		s.become(1)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { _ = listAs(t, c, "a", "trial2") })
		}
		synctest.Wait()
		if s.count() != before+2 || c.Circuits()["here"] != "half-open" {
			t.Errorf("%d trials at once, %s", s.count()-before-1, c.Circuits()["here"])
		}
		wg.Wait()

		time.Sleep(5 * time.Second)
		s.become(200)
		if err := listAs(t, c, "a", "trial3"); err != nil || c.Circuits()["here"] != "closed" {
			t.Errorf("a trial that succeeds: %v, %s", err, c.Circuits()["here"])
		}
	})
}

func TestCanceledTrialDoesNotCloseCircuit(t *testing.T) {
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
		if err := listAs(t, c, "a", "trial3"); err != nil {
			t.Errorf("the circuit did not recover: %v", err)
		}
	})
}

func TestRegionsFailIndependently(t *testing.T) {
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
