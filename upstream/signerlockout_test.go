package upstream

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream/sign"
)

// rejectsBadIDs is an upstream that responds with a 401 to some ids, whatever signs the request.
var rejectsBadIDs = roundTripper(func(req *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, emptyPage
	if strings.Contains(req.URL.Path, "/bad") {
		status, body = http.StatusUnauthorized, `{"error_code":"APIG.0301"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
})

// The rejection of one id does not stop signing with keys that are accepted for others.
func TestRejectedIDsDoNotStopSigning(t *testing.T) {
	_, c, _ := signed(t, goodKeys, func(cfg *Config) { cfg.Transport = rejectsBadIDs })
	if _, err := c.List(t.Context(), groupQuery("g1")); err != nil {
		t.Fatal(err)
	}
	for range 3 * sign.MaxRejected {
		if _, err := c.List(t.Context(), groupQuery("bad")); !errors.Is(err, ErrUnauthenticated) {
			t.Error(err)
		}
	}
	if _, err := c.List(t.Context(), groupQuery("g2")); err != nil || c.Signing().State != SigningOK {
		t.Errorf("after refused calls: %v, %+v", err, c.Signing())
	}
}

// Also before the keys were accepted once, the ids of one caller stop signing for that caller at most, and only until another one's are accepted.
func TestFirstRejectedIDsStopOneCallerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, _ := signed(t, goodKeys, func(cfg *Config) { cfg.Transport = rejectsBadIDs })
		list := func(caller, group string) error {
			_, err := c.List(request.WithCaller(t.Context(), &request.Caller{Name: caller}), groupQuery(group))
			return err
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { _ = list("hostile", "bad") })
		}
		wg.Wait()
		if err := list("hostile", "g1"); !errors.Is(err, errNotSigned) {
			t.Errorf("the caller of refused ids: %v", err)
		}
		if err := list("other", "g1"); err != nil || c.Signing().State != SigningOK {
			t.Errorf("another caller: %v, %+v", err, c.Signing())
		}
		if err := list("hostile", "g1"); err != nil {
			t.Errorf("after another caller was accepted: %v", err)
		}
	})
}

// With wrong keys, all callers together cause no more rejections than one would. After a pause, the others may try first.
func TestWrongKeysOfManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, c, ring := signed(t, badKeys)
		list := func(caller string) error {
			_, err := c.List(request.WithCaller(t.Context(), &request.Caller{Name: caller}), groupQuery("g1"))
			return err
		}
		for range 10 {
			_ = list("first")
		}
		if n := e.Count(); n != sign.MaxRejected-1 {
			t.Errorf("%d calls of one caller", n)
		}
		for range 10 {
			_ = list("second")
		}
		if n := e.Count(); n != sign.MaxRejected || c.Signing().State != SigningStopped {
			t.Errorf("%d calls, %+v", n, c.Signing())
		}
		time.Sleep(sign.LockTime)
		for _, caller := range []string{"first", "second", "second"} {
			_ = list(caller)
		}
		if n := e.Count(); n != sign.MaxRejected+1 {
			t.Errorf("%d calls after the pause, want one more", n)
		}
		ring.set(goodKeys, nil)
		if err := list("first"); err != nil {
			t.Errorf("with other keys: %v", err)
		}
	})
}
