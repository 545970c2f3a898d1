package cache_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

func newClosedFixture(t testing.TB, n int) *fixture {
	b := newFixture(t, n, emulator.Switches{})
	b.AddToken("good", project)
	b.AddToken("other", project)
	b.AddToken("foreign", "q")
	b.AddToken("frozen", project)
	b.RestrictToken("frozen", emulator.LacksRole)
	b.AddToken("gone", project)
	b.RevokeToken("gone")
	return b
}

var refused = map[string]error{
	"": upstream.ErrUnauthenticated, "wrong": upstream.ErrUnauthenticated, "gone": upstream.ErrUnauthenticated,
	"foreign": upstream.ErrForbidden, "frozen": upstream.ErrForbidden,
}

// Whatever is cached, credentials that the upstream rejects get its rejection.
func TestRejectedCredentialGetsNothing(t *testing.T) {
	deep := upstream.ListQuery{Group: group, Offset: 200, Limit: 20}
	for token, want := range refused {
		t.Run("token "+token, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newClosedFixture(t, 500)
				logs := b.newCache(defaults())
				ask := func(q upstream.ListQuery, want error) {
					t.Helper()
					if l, err := logs.List(b.as(token), q); !errors.Is(err, want) || len(l.Rows) > 0 || l.Total > 0 {
						t.Errorf("offset %d: %v and %d rows of %d, want %v", q.Offset, err, len(l.Rows), l.Total, want)
					}
				}
				b.list(b.as("good"), logs, poll)
				b.list(b.as("good"), logs, deep)
				ask(poll, want)
				ask(deep, want)

				b.Fault(emulator.Always(emulator.Fault{Delay: time.Second}))
				time.Sleep(20 * time.Second)
				var wg sync.WaitGroup
				wg.Go(func() { b.list(b.as("good"), logs, poll) }) // while it is in flight
				synctest.Wait()
				ask(poll, want)
				wg.Wait()

				b.Fault(emulator.Always(emulator.Fault{Status: 503}))
				ask(poll, upstream.ErrUnavailable)
				ask(deep, upstream.ErrUnavailable)
				if l := b.list(b.as("good"), logs, deep); len(l.Rows) == 0 {
					t.Error("the permitted caller got nothing while the upstream is down")
				}
			})
		})
	}
}

// An acceptance is valid for GRANT, and renewing it costs one call.
func TestGrantExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 50)
		logs := b.newCache(defaults())
		keepFresh := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				b.list(b.as("other"), logs, poll)
			}
		}
		b.list(b.as("good"), logs, poll)
		keepFresh(59 * time.Second)
		if calls := b.calls(func() { b.list(b.as("good"), logs, poll) }); calls != 0 {
			t.Errorf("within GRANT: %d calls", calls)
		}
		b.RevokeToken("good")
		keepFresh(2 * time.Second)
		if _, err := logs.List(b.as("good"), poll); !errors.Is(err, upstream.ErrUnauthenticated) {
			t.Errorf("revoked and lapsed: %v", err)
		}
		b.Fault(emulator.Always(emulator.Fault{Status: 503}))
		if _, err := logs.List(b.as("good"), poll); !errors.Is(err, upstream.ErrUnavailable) {
			t.Errorf("refused, then the upstream down: %v, want no cached page", err)
		}
	})
}

// A rejection ends access at once, and an acceptance that was sent before it does not restore it.
func TestRejectionRevokesGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 300)
		logs := b.newCache(defaults())
		b.list(b.as("good"), logs, poll)

		b.Fault(emulator.Times(1, emulator.Fault{Late: 2 * time.Second})) // handled before the rejection, received after it
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = logs.List(b.as("good"), upstream.ListQuery{Group: group, Offset: 150, Limit: 20})
		})
		synctest.Wait()
		b.RevokeToken("good")
		time.Sleep(time.Second)
		if _, err := logs.List(b.as("good"), upstream.ListQuery{Group: group, Filter: upstream.Filter{Status: upstream.StatusFail}, Limit: 5}); !errors.Is(err, upstream.ErrUnauthenticated) {
			t.Errorf("revoked: %v", err)
		}
		wg.Wait()
		if _, err := logs.List(b.as("good"), poll); !errors.Is(err, upstream.ErrUnauthenticated) {
			t.Errorf("after the late yes: %v", err)
		}
	})
}

// While the upstream fails an expired access is valid up to its bound, for stale rows only.
func TestGrantIfError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 50)
		logs := b.newCache(defaults())
		b.list(b.as("good"), logs, poll)
		b.Fault(emulator.Always(emulator.Fault{Status: 503}))
		time.Sleep(14 * time.Minute)
		if l := b.list(b.as("good"), logs, poll); !l.Stale {
			t.Error("not marked stale")
		}
		if _, err := logs.List(b.as("other"), poll); err == nil {
			t.Error("served to one whom the upstream never let in")
		}
		time.Sleep(2 * time.Minute)
		if _, err := logs.List(b.as("good"), poll); !errors.Is(err, upstream.ErrUnavailable) {
			t.Errorf("beyond GRANT_IF_ERROR: %v", err)
		}
	})
}

// An unknown credential makes one call, whatever it requests at once.
func TestUnknownCredentialMakesOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 1000)
		logs := b.newCache(defaults())
		ask := func(token string) {
			var wg sync.WaitGroup
			for offset := 0; offset < 900; offset += 98 {
				wg.Go(func() { b.list(b.as(token), logs, upstream.ListQuery{Group: group, Offset: offset, Limit: 98}) })
			}
			wg.Wait()
		}
		b.Fault(emulator.Always(emulator.Fault{Delay: 100 * time.Millisecond}))
		b.list(b.as("good"), logs, poll)
		ask("good")
		if calls := b.calls(func() { ask("other") }); calls != 1 {
			t.Errorf("%d calls to prove one right", calls)
		}
	})
}

// With ScopeProject one acceptance grants access to all groups of the project, and to no other project.
func TestProjectScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 50)
		b.AddGroup(project, "h")
		cfg := defaults()
		cfg.GrantScope = "project"
		logs := b.newCache(cfg)
		h := upstream.ListQuery{Group: upstream.Group{Region: "r", Project: project, ID: "h"}, Limit: 21}
		b.list(b.as("good"), logs, poll)
		b.list(b.as("good"), logs, h)
		b.list(b.as("other"), logs, h)
		if calls := b.calls(func() { b.list(b.as("other"), logs, poll) }); calls != 0 {
			t.Errorf("%d calls, want none", calls)
		}
		if _, err := logs.List(b.as("foreign"), h); !errors.Is(err, upstream.ErrForbidden) {
			t.Errorf("foreign: %v", err)
		}
	})
}
