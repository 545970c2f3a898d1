package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream/sign"
)

// KeySource returns the current keys. It is called before each request. After an error the last keys stay in use.
type KeySource func() (sign.Keys, error)

// signer sends requests signed with our own keys and ignores the callers' tokens. All regions share it, because a lock of the keys affects
// all of them.
type signer struct {
	next  http.RoundTripper
	keys  KeySource
	clock *sign.Clock
	log   *slog.Logger

	probing sync.Mutex // held during a probe

	mu         sync.Mutex
	current    *keyState
	unreadable bool // whether the last call of keys failed
}

// keyState is a pair of keys with the results of their requests.
type keyState struct {
	keys         sign.Keys
	lockout      *sign.Lockout
	lastAccepted *call // nil: none, or the keys are in doubt. Guarded by signer.mu.
}

func newSigner(next http.RoundTripper, keys KeySource, log *slog.Logger) (*signer, error) {
	first, err := keys()
	if err != nil {
		return nil, fmt.Errorf("access keys: %w", err)
	}
	return &signer{next: next, keys: keys, clock: sign.NewClock(), log: log, current: &keyState{keys: first, lockout: sign.NewLockout()}}, nil
}

func (s *signer) roundTrip(req *http.Request, k *call) (*http.Response, error) {
	ctx := req.Context()
	if !k.caller.MayRead(k.project) {
		return nil, fmt.Errorf("%w: %.40q", request.ErrProjectForbidden, k.project)
	}
	state := s.readKeys(ctx)
	if err := s.admit(ctx, state, k.caller.Name); err != nil {
		return nil, err
	}
	req.Header.Set("X-Project-Id", k.project)
	state.keys.Sign(req, s.clock.Now())
	resp, err := countAndSend(s.next, req, k)
	if resp == nil {
		s.report(ctx, state, k.caller.Name, sign.Unknown, 1)
		return resp, err
	}
	s.clock.Observe(resp.Header)
	r := signResult(resp.StatusCode)
	accepted := s.rememberAccepted(state, k, r)
	if r == sign.Rejected && accepted != nil {
		s.report(ctx, state, k.caller.Name, s.probe(req, state, accepted, k.caller), 2) // if the keys are rejected, both requests were
	} else {
		s.report(ctx, state, k.caller.Name, r, 1)
	}
	return resp, err
}

// rememberAccepted remembers k if its result is Accepted, and returns the last accepted call; nil: none is known.
func (s *signer) rememberAccepted(state *keyState, k *call, r sign.Result) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r == sign.Accepted {
		state.lastAccepted = k
	}
	return state.lastAccepted
}

// probe repeats an accepted call after another call was rejected, and returns whether the keys are still accepted: a 401 may concern one id
// alone, and the ids of one caller must not stop signing for all.
func (s *signer) probe(rejected *http.Request, state *keyState, accepted *call, caller *request.Caller) sign.Result {
	s.probing.Lock()
	defer s.probing.Unlock()
	req := rejected.Clone(rejected.Context())
	req.URL, req.Host = accepted.url, accepted.url.Host
	req.Header.Set("X-Project-Id", accepted.project)
	state.keys.Sign(req, s.clock.Now())
	caller.Tally.Calls.Add(1)
	resp, err := s.next.RoundTrip(req)
	r := sign.Rejected // without a response the rejection stands
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody))
		_ = resp.Body.Close()
		r = signResult(resp.StatusCode)
	}
	if r == sign.Accepted {
		return sign.Accepted
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	state.lastAccepted = nil
	return sign.Rejected
}

// readKeys returns the keys to sign with. Changed keys start with a new state.
func (s *signer) readKeys(ctx context.Context) *keyState {
	keys, err := s.keys()
	s.mu.Lock()
	defer s.mu.Unlock()
	if (err != nil) != s.unreadable {
		s.unreadable = err != nil
		s.log.LogAttrs(ctx, slog.LevelWarn, "whether the access keys can be read has changed; the last ones stay in use", slog.Any("error", err))
	}
	if err == nil && keys != s.current.keys {
		s.current = &keyState{keys: keys, lockout: sign.NewLockout()}
		s.log.LogAttrs(ctx, slog.LevelInfo, "the access keys have changed")
	}
	return s.current
}

// errNotSigned means that a request was not sent because its signature would be rejected.
var errNotSigned = errors.New("not signed")

func (s *signer) admit(ctx context.Context, state *keyState, caller string) error {
	if s.blockedByClock(state.lockout) {
		return fmt.Errorf("%w: %w: our clock is off by %v", ErrUnauthenticated, errNotSigned, s.clock.Skew().Round(time.Second))
	}
	ok, err := state.lockout.Acquire(ctx, caller)
	if err == nil && !ok {
		return fmt.Errorf("%w: %w: too many signatures in a row were rejected", ErrUnauthenticated, errNotSigned)
	}
	return err
}

// blockedByClock reports whether a signature was rejected and the local clock is still too far off for the next one.
func (s *signer) blockedByClock(l *sign.Lockout) bool {
	_, rejected, _ := l.State()
	return rejected > 0 && s.clock.Skew().Abs() > sign.MaxSkew
}

// report records the result of a request; Rejected counts as that many rejections.
func (s *signer) report(ctx context.Context, state *keyState, caller string, r sign.Result, rejections int) {
	if state.lockout.Report(caller, r, rejections) {
		s.log.LogAttrs(ctx, slog.LevelError, "the upstream rejects our access keys: no more requests are signed, so that it does not lock them",
			slog.Duration("untilTheyChangeOrFor", sign.LockTime))
	}
	if skew, wrong, changed := s.clock.TakeWarning(); changed {
		s.log.LogAttrs(ctx, slog.LevelWarn, "our clock was compared with the upstream's", slog.Bool("wrong", wrong),
			slog.Duration("ahead", skew.Round(time.Second)), slog.Duration("rejectedFrom", sign.MaxSkew))
	}
}

// signResult returns the result for a status. A gateway may fail before it checks the signature.
func signResult(status int) sign.Result {
	switch {
	case status == http.StatusUnauthorized:
		return sign.Rejected
	case status/100 == 2:
		return sign.Accepted
	}
	return sign.Unknown
}

// The states of signing.
const (
	SigningOff        = ""           // requests carry the callers' tokens
	SigningUntried    = "untried"    // no response yet
	SigningOK         = "ok"         // the last signature was accepted
	SigningRefused    = "refused"    // the last signature was rejected; requests are still signed
	SigningStopped    = "stopped"    // too many signatures in a row were rejected
	SigningClock      = "clock"      // a signature was rejected, and our clock is too far off for the next one
	SigningUnreadable = "unreadable" // the keys cannot be read; the last ones are in use
)

// Signing is the state of signing.
type Signing struct {
	State string        // one of the constants above
	Until time.Time     // when signing is tried again unless the keys change before; zero unless State is SigningStopped
	Skew  time.Duration // by how much our clock is ahead of the upstream's; 0 if that is less than a minute
}

// Signing returns the state of signing.
func (c *Client) Signing() Signing {
	if c.signer == nil {
		return Signing{}
	}
	return c.signer.status()
}

func (s *signer) status() Signing {
	s.mu.Lock()
	current, unreadable := s.current, s.unreadable
	s.mu.Unlock()
	var status Signing
	if skew := s.clock.Skew(); skew.Abs() > sign.WarnSkew {
		status.Skew = skew.Round(time.Second)
	}
	accepted, rejected, until := current.lockout.State()
	switch {
	case s.blockedByClock(current.lockout):
		status.State = SigningClock
	case rejected >= sign.MaxRejected:
		status.State, status.Until = SigningStopped, until
	case unreadable:
		status.State = SigningUnreadable
	case rejected > 0:
		status.State = SigningRefused
	case accepted:
		status.State = SigningOK
	default:
		status.State = SigningUntried
	}
	return status
}
