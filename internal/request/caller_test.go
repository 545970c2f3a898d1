package request

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTakeCallStopsAtMaxCalls(t *testing.T) {
	c := &Caller{MaxCalls: 2}
	for i := range 2 {
		if err := c.TakeCall(); err != nil {
			t.Fatalf("call %d: %v", i+1, err)
		}
	}
	if err := c.TakeCall(); !errors.Is(err, ErrTooManyCalls) {
		t.Errorf("third call: %v", err)
	}
	if n := c.Tally.Calls.Load(); n != 2 {
		t.Errorf("%d calls counted, want 2", n)
	}
}

func TestHasSpareCalls(t *testing.T) {
	within := &Caller{MaxCalls: 16}
	c := &Caller{MaxCalls: 8, Within: within}
	for n, want := range []bool{true, true, false} {
		if got := c.HasSpareCalls(); got != want {
			t.Errorf("after %d of 8 calls: %v", n, got)
		}
		if err := c.TakeCall(); err != nil {
			t.Fatal(err)
		}
	}
	if other := (&Caller{Within: within}); other.HasSpareCalls() {
		t.Error("after 3 of 16 calls of the surrounding caller, and no bound of its own")
	}
	if unbounded := (&Caller{}); !unbounded.HasSpareCalls() {
		t.Error("without a bound")
	}
}

func TestIdentities(t *testing.T) {
	for want, c := range map[string]*Caller{
		"token ":                    {},
		"name a":                    {Name: "a", Token: "t", Bearer: "b"},
		"token a":                   {Tokens: map[string]string{"p": "a"}},
		"token a, token b, token c": {Token: "b", Tokens: map[string]string{"p": "a", "q": "b", "r": "c"}},
	} {
		if got := strings.Join(c.Identities(), ", "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestFreshUntilIsTheEarliest(t *testing.T) {
	var tally Tally
	if _, used := tally.FreshUntil(); used {
		t.Error("a new Tally has used a page")
	}
	at := time.UnixMilli(1_700_000_000_000)
	for _, until := range []time.Time{at.Add(time.Minute), at, at.Add(time.Hour)} {
		tally.LimitFreshness(until)
	}
	if got, used := tally.FreshUntil(); !used || !got.Equal(at) {
		t.Errorf("fresh until %v, want %v", got, at)
	}
	tally.LimitFreshness(time.Time{})
	if got, _ := tally.FreshUntil(); got.After(time.UnixMilli(1)) {
		t.Errorf("a page that is not fresh left it fresh until %v", got)
	}
}
