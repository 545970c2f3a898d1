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
