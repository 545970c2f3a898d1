package gqlhttp_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/request"
)

// repeating is the program with kept answers, where what is offered to be given again is in again: that of the last request; nil: none was.
type repeating struct {
	*keeping
	again   func(context.Context, string) ([]byte, bool)
	reports []gqlhttp.Report
}

func newRepeating(t testing.TB, also ...func(*gqlhttp.Config)) *repeating {
	t.Helper()
	p := new(repeating)
	p.keeping = newKeeping(t, append(also, func(cfg *gqlhttp.Config) {
		cfg.Repeatable = func(_ *http.Request, again func(context.Context, string) ([]byte, bool)) { p.again = again }
		cfg.Done = func(_ context.Context, r gqlhttp.Report) { p.reports = append(p.reports, r) }
	})...)
	return p
}

// offered asks until an answer is offered, and returns it.
func (p *repeating) offered(headers ...string) reply {
	p.Helper()
	for range 5 {
		if got, _ := p.ask(headers...); p.again != nil {
			return got
		}
	}
	p.Fatal("no answer was offered to be given again")
	return reply{}
}

// refused fails where the answer is given again, or anything is told of one that is not.
func (p *repeating) refused() {
	p.Helper()
	before := len(p.reports)
	if body, ok := p.again(p.Context(), "id"); ok {
		p.Errorf("given again: %s", body)
	}
	if len(p.reports) != before {
		p.Error("an operation that was not answered was reported")
	}
}

func TestRepeatIsTheSameAnswer(t *testing.T) {
	p := newRepeating(t)
	first := p.offered("X-Auth-Token", "one")
	before := len(p.reports)
	body, ok := p.again(t.Context(), "id")
	if !ok || string(body) != first.text {
		t.Fatalf("%v %s\nwas %s", ok, body, first.text)
	}
	if len(p.reports) != before+1 {
		t.Fatalf("%d reports", len(p.reports)-before)
	}
	was, is := p.reports[before-1], p.reports[before]
	if is.Kind != was.Kind || is.Cost != was.Cost || is.Status != was.Status || is.Code != "" || is.Caller.RequestID != "id" ||
		is.Caller.Tally.MemoryHits.Load() != was.Caller.Tally.MemoryHits.Load() || is.Caller.Tally.Calls.Load() != 0 {
		t.Errorf("reported %+v\nwas %+v", is, was)
	}
}

func TestRepeatIsCompressedAsBefore(t *testing.T) {
	p := newRepeating(t)
	for i := range 30 {
		p.insert(i)
	}
	first := p.offered("X-Auth-Token", "one", "Accept-Encoding", "gzip")
	if body, ok := p.again(t.Context(), "id"); !ok || string(body) != first.text || first.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v, %d bytes, were %d %v", ok, len(body), len(first.text), first.Header)
	}
}

// Only answers that were kept, and were asked for by POST, are offered.
func TestWhatIsNotOffered(t *testing.T) {
	p := newRepeating(t)
	p.kept("one")
	for name, value := range map[string]string{"Cache-Control": "no-cache", "Scalegraph-Explain": "1"} {
		p.again = nil
		if p.ask("X-Auth-Token", "one", name, value); p.again != nil {
			t.Errorf("%s: offered", name)
		}
	}
	p.again = nil
	for range 5 {
		send(t, http.MethodGet, p.target+"?query=%7B__typename%7D", "", "X-Auth-Token", "one")
	}
	if p.again != nil {
		t.Error("an answer to a GET was offered")
	}
}

func TestRepeatEndsWithTheRight(t *testing.T) {
	p := newRepeating(t)
	p.offered("X-Auth-Token", "one")
	p.RevokeToken("one")
	other := body(inRealGroup(`activities(filter: { status: FAIL }) { totalCount }`), nil)
	if got := send(t, http.MethodPost, p.target, other, "Content-Type", "application/json", "X-Auth-Token", "one"); !strings.Contains(got.text, "UNAUTHENTICATED") {
		t.Fatal(got.text)
	}
	p.refused()
}

func TestRepeatEndsWithItsPages(t *testing.T) {
	p := newRepeating(t)
	p.offered("X-Auth-Token", "one")
	p.insert(3)
	if _, ok := p.again(t.Context(), "id"); !ok {
		t.Error("not given again within an hour")
	}
	p.ask("X-Auth-Token", "two", "Cache-Control", "no-cache")
	p.refused()
}

// Who may no longer prove who it is, or may read something else since, or has spent its budget, is served in full, which says so.
func TestRepeatJudgesTheCallerAnew(t *testing.T) {
	proof := func(c *request.Caller) error { c.Name = "me"; return nil }
	afford := true
	p := newRepeating(t, func(cfg *gqlhttp.Config) {
		cfg.Authenticate = func(_ context.Context, c *request.Caller) error { return proof(c) }
		cfg.Afford = func(_ context.Context, c *request.Caller, cost int) bool {
			return afford && c.Name == "me" && cost > 0
		}
	})
	p.offered("X-Auth-Token", "one", "Authorization", "Bearer me")
	if _, ok := p.again(t.Context(), "id"); !ok {
		t.Fatal("not given again")
	}
	for name, now := range map[string]func(*request.Caller) error{
		"gone": func(*request.Caller) error { return errors.New("no") },
		"confined": func(c *request.Caller) error {
			c.Name, c.ProjectsOnly, c.Projects = "me", true, []string{project}
			return nil
		},
		"confined fully": func(c *request.Caller) error { c.Name, c.ProjectsOnly = "me", true; return nil },
	} {
		was := proof
		proof = now
		t.Log(name)
		p.refused()
		proof = was
	}
	afford = false
	p.refused()
	afford = true
	if _, ok := p.again(t.Context(), "id"); !ok {
		t.Error("not given again")
	}
}

func TestRepeatCountsAsUnderWay(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	var block bool
	p := newRepeating(t, func(cfg *gqlhttp.Config) {
		cfg.InFlight = 1
		cfg.Authenticate = func(context.Context, *request.Caller) error {
			if block {
				inside <- struct{}{}
				<-leave
			}
			return nil
		}
	})
	p.offered("X-Auth-Token", "one")
	block = true
	done := make(chan bool)
	go func() {
		_, ok := p.again(context.Background(), "id")
		done <- ok
	}()
	select {
	case <-inside:
	case <-time.After(10 * time.Second):
		t.Fatal("the caller was not asked who it is")
	}
	if got, _ := p.ask("X-Auth-Token", "one"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("beside one under way: %d", got.StatusCode)
	}
	p.refused()
	close(leave)
	if !<-done {
		t.Error("not given again")
	}
}
