package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"scalegraph/internal/auth"
)

// inProcess sends requests to a handler without a socket.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// inBubble runs a test with an issuer and its checker where time passes at once.
func inBubble(t *testing.T, test func(t *testing.T, s *issuer, c *auth.Authenticator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, handler := newIssuerHandler(t)
		s.url = "https://issuer.test"
		c := s.checker()
		c.Issuer.SetTransport(inProcess{handler})
		test(t, s, c)
	})
}

func mustAccept(t *testing.T, c *auth.Authenticator, token string) {
	t.Helper()
	if _, err := authenticate(t, c, token); err != nil {
		t.Errorf("after %v: %v", time.Now(), err)
	}
}

func mustReject(t *testing.T, c *auth.Authenticator, token string) {
	t.Helper()
	if _, err := authenticate(t, c, token); !errors.Is(err, auth.ErrUnknown) {
		t.Errorf("at %v: got %v, want ErrUnknown", time.Now(), err)
	}
}

// longLived is a token that does not expire during a test.
func (s *issuer) longLived(t *testing.T) string {
	return s.token(t, map[string]any{"exp": time.Now().Add(100 * time.Hour).Unix()})
}

func TestRevokedKeyIsRejected(t *testing.T) {
	inBubble(t, func(t *testing.T, s *issuer, c *auth.Authenticator) {
		old := s.longLived(t)
		mustAccept(t, c, old)
		s.keys.Keys = []jose.JSONWebKey{{Key: rsaKey(t).Public(), KeyID: "two", Use: "sig", Algorithm: "RS256"}}
		time.Sleep(5 * time.Minute)
		mustReject(t, c, old)
	})
}

func TestAddedKeyIsAcceptedSoon(t *testing.T) {
	inBubble(t, func(t *testing.T, s *issuer, c *auth.Authenticator) {
		mustAccept(t, c, s.longLived(t))
		s.key = rsaKey(t)
		s.keys.Keys = append(s.keys.Keys, jose.JSONWebKey{Key: s.key.Public(), KeyID: "two", Use: "sig", Algorithm: "RS256"})
		time.Sleep(5 * time.Second)
		mustAccept(t, c, s.longLived(t))
	})
}

func TestMovedKeySetIsFound(t *testing.T) {
	inBubble(t, func(t *testing.T, s *issuer, c *auth.Authenticator) {
		mustAccept(t, c, s.longLived(t))
		s.keysPath, s.key = "/moved", rsaKey(t)
		s.keys.Keys = []jose.JSONWebKey{{Key: s.key.Public(), KeyID: "two", Use: "sig", Algorithm: "RS256"}}
		time.Sleep(5 * time.Second)
		mustAccept(t, c, s.longLived(t))
	})
}

// Keys for encryption, and keys of unknown kinds, do not make the others unusable.
func TestUnusableKeysAreSkipped(t *testing.T) {
	inBubble(t, func(t *testing.T, s *issuer, c *auth.Authenticator) {
		encryption := s.keys.Keys[0]
		encryption.Use = "enc"
		symmetric := jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "symmetric"}
		good := s.keys.Keys[0]
		s.keys.Keys = []jose.JSONWebKey{encryption, symmetric}
		mustReject(t, c, s.longLived(t))
		s.keys.Keys = []jose.JSONWebKey{symmetric, good}
		time.Sleep(5 * time.Second)
		mustAccept(t, c, s.longLived(t))
	})
}

func TestFailingIssuerIsRetriedWithBackoff(t *testing.T) {
	inBubble(t, func(t *testing.T, s *issuer, c *auth.Authenticator) {
		s.down.Store(true)
		good := s.longLived(t)
		for range 600 { // one request a second for ten minutes
			mustReject(t, c, good)
			time.Sleep(time.Second)
		}
		if n := s.requests.Load(); n < 5 || n > 15 {
			t.Errorf("%d requests to the issuer in ten minutes, want 5 to 15", n)
		}
		s.down.Store(false)
		time.Sleep(time.Minute)
		mustAccept(t, c, good)
	})
}

func TestCachedKeysExpireAfterAnHour(t *testing.T) {
	inBubble(t, func(t *testing.T, s *issuer, c *auth.Authenticator) {
		good := s.longLived(t)
		mustAccept(t, c, good)
		s.down.Store(true)
		for range 59 {
			time.Sleep(time.Minute)
			synctest.Wait()
			mustAccept(t, c, good)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		mustReject(t, c, good)
		s.down.Store(false)
		time.Sleep(time.Minute)
		mustAccept(t, c, good)
	})
}

// Whoever can change a response on its way can make tokens.
func TestKeySetNeedsHTTPS(t *testing.T) {
	inBubble(t, func(t *testing.T, s *issuer, c *auth.Authenticator) {
		s.plain = true
		mustReject(t, c, s.longLived(t))
		if n := s.keyReads.Load(); n != 0 {
			t.Errorf("%d requests over plain HTTP", n)
		}
	})
}
