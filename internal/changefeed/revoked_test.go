package changefeed

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// Subscriptions with a revoked credential end within a minute, and no others.
func TestRevokedCredentials(t *testing.T) {
	for _, poll := range []time.Duration{time.Second, 5 * time.Second, 10 * time.Minute, -5 * time.Second, -10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1, "bad", "good")
			if w.kept = poll < 0; w.kept {
				poll = -poll
			}
			h := w.hub(Config{Poll: poll})
			bad, good := w.listen(h, "bad", query(0)), w.listen(h, "good", query(0))
			time.Sleep(time.Hour)
			w.RevokeToken("bad")
			time.Sleep(time.Minute)
			synctest.Wait()
			if !errors.Is(bad.ended(), upstream.ErrUnauthenticated) {
				t.Errorf("polling each %v: %v", poll, bad.ended())
			}
			id := w.start(0, emulator.Success)
			time.Sleep(2 * poll)
			synctest.Wait()
			w.wantHeard(good, "FINISHED "+id)
			good.quit()
			if _, err := h.Changes(as(t.Context(), "bad"), query(0)); !errors.Is(err, upstream.ErrUnauthenticated) {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// A credential is revoked while one of the logs of a new subscription is read slowly. The error is that of the credential.
func TestRevokedWhileJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, "bad")
		w.faultIn(1, emulator.Fault{Delay: 8 * time.Second})
		joined := make(chan error)
		go func() {
			_, err := listenTo(t.Context(), w.hub(Config{Poll: time.Second}), "bad", query(0, 1))
			joined <- err
		}()
		synctest.Wait() // the first log is polled
		w.RevokeToken("bad")
		if err := <-joined; !errors.Is(err, upstream.ErrUnauthenticated) {
			t.Error(err)
		}
	})
}

// A credential is revoked while others read the same rows all the time, just before it would be verified. Their cached rows are not served to it.
func TestRevokedAmongOthers(t *testing.T) {
	for _, since := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1, "bad", "good")
			w.kept = true
			w.start(0, emulator.Success)
			h := w.hub(Config{Poll: 10 * time.Minute})
			q := query(0)
			if since {
				first := w.listen(h, "bad", q)
				synctest.Wait()
				q.Since = first.last
				first.quit()
			}
			bad := w.listen(h, "bad", q)
			w.RevokeToken("bad")
			time.Sleep(9500 * time.Millisecond)
			for range 4 {
				c := &request.Caller{Token: "good", NoCache: true}
				if _, err := h.cfg.Pages.Page(request.WithCaller(t.Context(), c), upstream.PageQuery{Group: groupOf(0), Count: 1}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(reverifyInterval)
			}
			synctest.Wait()
			if !errors.Is(bad.ended(), upstream.ErrUnauthenticated) {
				t.Errorf("resumed %v: ended with %v", since, bad.ended())
			}
			bad.quit()
		})
	}
}
