package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/sign"
)

var (
	goodKeys = sign.Keys{Access: "AK-GOOD", Secret: "sk-good-secret"}
	badKeys  = sign.Keys{Access: "AK-GOOD", Secret: "sk-of-another"}
	tempKeys = sign.Keys{Access: "AK-TEMP", Secret: "sk-temp-secret", SecurityToken: "token-of-temporary-keys"}
)

// keyring is a KeySource that a test changes.
type keyring struct {
	mu   sync.Mutex
	keys sign.Keys
	err  error
}

func (k *keyring) read() (sign.Keys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys, k.err
}

func (k *keyring) set(keys sign.Keys, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys, k.err = keys, err
}

// signed starts an emulator that knows the good and the temporary keys, and a client that signs; without sockets.
func signed(t testing.TB, keys sign.Keys, edit ...func(*Config)) (*emulator.Emulator, *Client, *keyring) {
	t.Helper()
	e := emulator.New(emulator.Switches{})
	e.AddGroup("p1", "g1")
	e.AddKey(emulator.Key{AK: goodKeys.Access, SK: goodKeys.Secret, Projects: []string{"p1"}})
	e.AddKey(emulator.Key{AK: tempKeys.Access, SK: tempKeys.Secret, SecurityToken: tempKeys.SecurityToken, Projects: []string{"p1"}})
	ring := &keyring{keys: keys}
	cfg := Config{Endpoints: map[string]string{"here": "http://upstream.test"}, Transport: e.Transport(), Keys: ring.read, retry: quick()}
	for _, f := range edit {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e, c, ring
}

func groupQuery(group string) ListQuery {
	return ListQuery{Group: Group{Region: "here", Project: "p1", ID: group}, Limit: 20}
}

func TestSignedCalls(t *testing.T) {
	for name, keys := range map[string]sign.Keys{"permanent": goodKeys, "temporary": tempKeys} {
		t.Run(name, func(t *testing.T) {
			e, c, _ := signed(t, keys)
			q := groupQuery("g1")
			q.Filter = Filter{StartTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Types: []Type{TypeNormal, TypeManualAdd}, LogID: "a-b_c"}
			caller := &request.Caller{Token: "of-the-caller", Tokens: map[string]string{"p1": "another"}}
			if _, err := c.List(request.WithCaller(t.Context(), caller), q); err != nil && !errors.Is(err, ErrRejected) {
				t.Fatal(err)
			}
			sent := e.Requests()[0].Header
			if sent.Get("X-Auth-Token") != "" || sent.Get("X-Project-Id") != "p1" || sent.Get("X-Security-Token") != keys.SecurityToken {
				t.Errorf("sent %v", sent)
			}
			if _, err := c.List(t.Context(), groupQuery("g1")); err != nil {
				t.Error(err)
			}
			if got := c.Signing(); got != (Signing{State: SigningOK}) {
				t.Errorf("state %+v", got)
			}
		})
	}
}

// The signature matches the request for any group and log id.
func FuzzSignedPaths(f *testing.F) {
	for _, name := range []string{"a b", "a+b", "a%2Fb", "a/b", "é~*'()!", "%", "a;b=c,d:e@f&g$h", "\x00\x7f\xff"} {
		f.Add(name, name)
	}
	_, c, _ := signed(f, goodKeys)
	f.Fuzz(func(t *testing.T, group, logID string) {
		q := groupQuery(group)
		q.Filter.LogID = logID
		_, err := c.List(t.Context(), q)
		if errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%q %q: %v", group, logID, err)
		}
	})
}

func TestForbiddenProjectIsNotRequested(t *testing.T) {
	e, c, _ := signed(t, goodKeys)
	confined := &request.Caller{Name: "someone", ProjectsOnly: true, Projects: []string{"p2"}}
	if _, err := c.List(request.WithCaller(t.Context(), confined), groupQuery("g1")); !errors.Is(err, request.ErrProjectForbidden) {
		t.Error(err)
	}
	if n := e.Count(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// With any number of concurrent calls, wrong keys are used four times, once more after the lock time, and never retried.
func TestSigningStopsBeforeLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, c, ring := signed(t, badKeys)
		e.Fault(func(*http.Request) *emulator.Fault { return &emulator.Fault{Delay: 50 * time.Millisecond} })
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := c.List(t.Context(), groupQuery("g1")); !errors.Is(err, ErrUnauthenticated) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := e.Count(); n != sign.MaxRejected {
			t.Errorf("%d calls with wrong keys, want %d", n, sign.MaxRejected)
		}
		if got := c.Signing(); got.State != SigningStopped || !got.Until.Equal(time.Now().Add(sign.LockTime)) {
			t.Errorf("state %+v", got)
		}

		time.Sleep(sign.LockTime)
		for range 3 {
			_, _ = c.List(t.Context(), groupQuery("g1"))
		}
		if n := e.Count(); n != sign.MaxRejected+1 {
			t.Errorf("%d calls after the window, want one more", n)
		}

		ring.set(goodKeys, nil)
		if _, err := c.List(t.Context(), groupQuery("g1")); err != nil {
			t.Errorf("with other keys: %v", err)
		}
		if got := c.Signing(); got.State != SigningOK {
			t.Errorf("state %+v", got)
		}
	})
}

func TestSigningResumesAfterAcceptedTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, c, _ := signed(t, tempKeys)
		e.RemoveKey(tempKeys.Access)
		for range 10 {
			_, _ = c.List(t.Context(), groupQuery("g1"))
		}
		e.AddKey(emulator.Key{AK: tempKeys.Access, SK: tempKeys.Secret, SecurityToken: tempKeys.SecurityToken})
		if _, err := c.List(t.Context(), groupQuery("g1")); !errors.Is(err, errNotSigned) {
			t.Errorf("before the window is over: %v", err)
		}
		time.Sleep(sign.LockTime)
		for range 100 {
			if _, err := c.List(t.Context(), groupQuery("g1")); err != nil {
				t.Fatal(err)
			}
		}
		if n := e.Count(); n != sign.MaxRejected+100 {
			t.Errorf("%d calls", n)
		}
	})
}

// Calls that wait for a result fail when their context is done.
func TestWaitForResultEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, c, _ := signed(t, goodKeys)
		e.Fault(func(*http.Request) *emulator.Fault { return &emulator.Fault{Delay: 5 * time.Second} })
		var wg sync.WaitGroup
		for range sign.MaxRejected {
			wg.Go(func() { _, _ = c.List(t.Context(), groupQuery("g1")) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.List(ctx, groupQuery("g1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		wg.Wait()
		if n := e.Count(); n != sign.MaxRejected {
			t.Errorf("%d calls", n)
		}
	})
}

func TestUnreadableKeysStayInUse(t *testing.T) {
	var lines strings.Builder
	_, c, ring := signed(t, goodKeys, func(cfg *Config) { cfg.Log = slog.New(slog.NewTextHandler(&lines, nil)) })
	ring.set(sign.Keys{}, errors.New("gone"))
	for range 3 {
		if _, err := c.List(t.Context(), groupQuery("g1")); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.Signing(); got.State != SigningUnreadable {
		t.Errorf("state %+v", got)
	}
	ring.set(goodKeys, nil)
	if _, err := c.List(t.Context(), groupQuery("g1")); err != nil || c.Signing().State != SigningOK {
		t.Errorf("%v, state %+v", err, c.Signing())
	}
	if n := strings.Count(lines.String(), "can be read has changed"); n != 2 {
		t.Errorf("said %d times:\n%s", n, lines.String())
	}
	if _, err := New(Config{Endpoints: map[string]string{"r": "http://h"}, Keys: func() (sign.Keys, error) { return sign.Keys{}, errors.New("gone") }}); err == nil {
		t.Error("a client without keys was made")
	}
}

// withDate sets the Date of responses to that of an upstream whose clock differs from ours.
type withDate struct {
	next  http.RoundTripper
	ahead time.Duration
}

func (d withDate) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := d.next.RoundTrip(req)
	if err == nil {
		resp.Header.Set("Date", time.Now().Add(d.ahead).UTC().Format(http.TimeFormat))
	}
	return resp, err
}

// If our clock is wrong, one signature is rejected, then no request is signed until the clock is set.
func TestWrongClockStopsSigning(t *testing.T) {
	for _, off := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		t.Run(off.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines strings.Builder
				e, c, _ := signed(t, goodKeys, func(cfg *Config) {
					cfg.Transport = withDate{cfg.Transport, 0}
					cfg.Log = slog.New(slog.NewTextHandler(&lines, nil))
				})
				c.signer.clock.Now = func() time.Time { return time.Now().Add(off) }
				for range 10 {
					if _, err := c.List(t.Context(), groupQuery("g1")); !errors.Is(err, ErrUnauthenticated) {
						t.Fatal(err)
					}
				}
				if n := e.Count(); n != 1 {
					t.Errorf("%d calls, want 1", n)
				}
				if got := c.Signing(); got.State != SigningClock || (got.Skew-off).Abs() > time.Second {
					t.Errorf("state %+v", got)
				}
				c.signer.clock.Now = time.Now
				if _, err := c.List(t.Context(), groupQuery("g1")); err != nil {
					t.Error(err)
				}
				if got := c.Signing(); got != (Signing{State: SigningOK}) {
					t.Errorf("state %+v", got)
				}
				if got := lines.String(); strings.Count(got, "our clock was compared") != 2 || !strings.Contains(got, fmt.Sprintf("ahead=%v", off)) {
					t.Errorf("log\n%s", got)
				}
			})
		})
	}
}

// A wrong Date of an upstream that accepts our signatures does not stop signing.
func TestWrongDateAloneDoesNotStopSigning(t *testing.T) {
	_, c, _ := signed(t, goodKeys, func(cfg *Config) { cfg.Transport = withDate{cfg.Transport, time.Hour} })
	for range 3 {
		if _, err := c.List(t.Context(), groupQuery("g1")); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.Signing(); got.State != SigningOK || (got.Skew+time.Hour).Abs() > time.Minute {
		t.Errorf("state %+v", got)
	}
}

func TestKeysAreNeverShown(t *testing.T) {
	var lines strings.Builder
	log := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("keys", "keys", tempKeys, "all", []any{tempKeys, &tempKeys})
	_, c, _ := signed(t, sign.Keys{Access: tempKeys.Access, Secret: "hunter2", SecurityToken: tempKeys.SecurityToken}, func(cfg *Config) { cfg.Log = log })
	_, err := c.List(t.Context(), groupQuery("g1"))
	log.Info("keys", "keys", tempKeys, "all", []any{tempKeys})
	fmt.Fprintf(&lines, "%v %+v %#v %s %v", tempKeys, tempKeys, tempKeys, tempKeys, err)
	if !strings.Contains(lines.String(), "verify ak sk signature fail") {
		t.Errorf("the gateway's reason is missing:\n%s", lines.String())
	}
	for _, secret := range []string{"hunter2", tempKeys.Secret, tempKeys.SecurityToken, tempKeys.Access} {
		if strings.Contains(lines.String(), secret) {
			t.Errorf("%s is shown:\n%s", secret, lines.String())
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
