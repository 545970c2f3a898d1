package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

const (
	keysMaxAge     = 5 * time.Minute // older keys are read again before they verify a token
	keysMinAge     = 5 * time.Second // a token that no key verifies causes a read only if the keys are older
	keysExpireTime = time.Hour       // older keys verify nothing, even if the issuer cannot be reached

	minBackoff = 5 * time.Second // after the first failed read; doubled by each further one
	maxBackoff = time.Minute

	issuerTimeout      = 5 * time.Second // of one request to the issuer
	maxIssuerBodyBytes = 1 << 20
)

// keySet caches the public keys of an issuer. It fetches them again, discovery document included, so that a revoked key is rejected
// within keysMaxAge and a key set that has moved is found. It implements oidc.KeySet and is safe for concurrent use.
type keySet struct {
	issuer string
	client *http.Client
	log    *slog.Logger
	reads  singleflight.Group

	mu       sync.Mutex
	keys     *oidc.StaticKeySet // nil: none were read yet
	readAt   time.Time
	failures int // failed reads since the last successful one
	err      error
	retryAt  time.Time // no read before that; zero if the last one succeeded
}

func newKeySet(issuer string, log *slog.Logger) *keySet {
	client := &http.Client{Timeout: issuerTimeout, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) >= 3 {
			return errors.New("too many redirects")
		}
		return checkIssuerURL(req.URL)
	}}
	return &keySet{issuer: issuer, client: client, log: log}
}

// VerifySignature returns the payload of a token that one of the issuer's keys has signed.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	keys, err := s.current(ctx, keysMaxAge)
	if err != nil {
		return nil, err
	}
	if payload, err := keys.VerifySignature(ctx, token); err == nil {
		return payload, nil
	}
	// The issuer may have added a key since. Tokens come from strangers, so this is bounded by keysMinAge.
	if keys, err = s.current(ctx, keysMinAge); err != nil {
		return nil, err
	}
	return keys.VerifySignature(ctx, token)
}

// current returns keys that were read less than maxAge ago. If the last read failed, it returns keys up to keysExpireTime old instead
// and retries in the background, so that callers do not wait for an issuer that does not respond.
func (s *keySet) current(ctx context.Context, maxAge time.Duration) (*oidc.StaticKeySet, error) {
	s.mu.Lock()
	now := time.Now()
	keys, err, failing := s.keys, s.err, s.failures > 0
	age, due := now.Sub(s.readAt), !now.Before(s.retryAt)
	s.mu.Unlock()

	usable := keys != nil && age < keysExpireTime
	if usable && age < maxAge {
		return keys, nil
	}
	if !due {
		if usable {
			return keys, nil
		}
		return nil, err
	}
	read := s.reads.DoChan("", func() (any, error) { return nil, s.refresh() })
	if usable && failing {
		return keys, nil
	}
	select {
	case <-read:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.latest()
}

// latest returns the keys of the last successful read if they have not expired.
func (s *keySet) latest() (*oidc.StaticKeySet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil || time.Since(s.readAt) >= keysExpireTime {
		return nil, s.err
	}
	return s.keys, nil
}

// refresh reads the keys and stores them, or stores the failure and when to retry. It outlives the request that caused it.
func (s *keySet) refresh() error {
	keys, err := s.read(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.keys, s.readAt, s.err, s.failures, s.retryAt = keys, time.Now(), nil, 0, time.Time{}
		return nil
	}
	backoff := min(minBackoff<<min(s.failures, 10), maxBackoff)
	s.failures++
	s.err, s.retryAt = fmt.Errorf("the keys of the issuer cannot be read: %w", err), time.Now().Add(backoff)
	s.log.Warn("the keys of the OIDC issuer cannot be read", "error", err, "failures", s.failures, "retryIn", backoff)
	return s.err
}

// read fetches the discovery document and the key set that it names. It skips keys of unknown kinds, as RFC 7517 section 5
// requires, and keys for encryption.
func (s *keySet) read(ctx context.Context) (*oidc.StaticKeySet, error) {
	var discovery struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := s.get(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration", &discovery); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	if discovery.Issuer != s.issuer {
		return nil, fmt.Errorf("discovery: the document is that of another issuer, %.100q", discovery.Issuer)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := s.get(ctx, discovery.Keys, &set); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	keys := &oidc.StaticKeySet{}
	for _, text := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(text, &key) != nil || key.Use == "enc" {
			continue
		}
		switch key.Key.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
			keys.PublicKeys = append(keys.PublicKeys, key.Key)
		}
	}
	return keys, nil
}

// get decodes the JSON document at a URL into v.
func (s *keySet) get(ctx context.Context, address string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if err := checkIssuerURL(req.URL); err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP status %d", resp.StatusCode)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, maxIssuerBodyBytes)).Decode(v)
}

// checkIssuerURL rejects plain HTTP to other machines: an attacker who can change the response of an issuer can forge tokens.
func checkIssuerURL(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && IsLoopback(u.Hostname()) {
		return nil
	}
	return errors.New("the issuer and its key set need https:// URLs")
}
