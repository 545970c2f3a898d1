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
)

// KeySource returns the keys as they are now; it is asked before each call. An error leaves those in use that it returned last.
type KeySource func() (Keys, error)

// signer signs requests, where the callers' own tokens do not count. All regions share it, since a lock of the keys would hit
// them all.
type signer struct {
	next  http.RoundTripper
	keys  KeySource
	clock *clock
	log   *slog.Logger

	probing sync.Mutex // one probe at a time

	mu         sync.Mutex
	using      *signing
	unreadable bool // the last time that the keys were asked for
}

// signing is a pair of keys with what the upstream thinks of them.
type signing struct {
	keys Keys
	gate *gate
	good *call // the last accepted one; nil: none was, or the keys are in doubt. Guarded by signer.mu.
}

func newSigner(next http.RoundTripper, keys KeySource, log *slog.Logger) (*signer, error) {
	first, err := keys()
	if err != nil {
		return nil, fmt.Errorf("access keys: %w", err)
	}
	return &signer{next: next, keys: keys, clock: newClock(), log: log, using: &signing{keys: first, gate: newGate()}}, nil
}

func (s *signer) carry(req *http.Request, k *call) (*http.Response, error) {
	ctx := req.Context()
	if !k.caller.MayRead(k.project) {
		return nil, fmt.Errorf("%w: %.40q", request.ErrProjectForbidden, k.project)
	}
	using := s.current(ctx)
	if err := s.admit(ctx, using); err != nil {
		return nil, err
	}
	req.Header.Set("X-Project-Id", k.project)
	using.keys.Sign(req, s.clock.wall())
	resp, err := spend(s.next, req, k)
	if resp == nil {
		s.judge(ctx, using, unclear, 1)
		return resp, err
	}
	s.clock.learn(resp.Header)
	v := verdictOf(resp.StatusCode)
	good := s.lastAccepted(using, k, v)
	if v == no && good != nil {
		s.judge(ctx, using, s.probe(req, using, good, k.caller), 2) // if the keys are refused, both calls were
	} else {
		s.judge(ctx, using, v, 1)
	}
	return resp, err
}

// lastAccepted returns the last call that the keys were accepted for; nil: none is known. It remembers k if its result is yes.
func (s *signer) lastAccepted(using *signing, k *call, v verdict) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v == yes {
		using.good = k
	}
	return using.good
}

// probe repeats a call that is known to be good after another was refused, and returns whether the keys are still accepted: a refusal may
// concern one id alone, and one caller's ids must not stop the signing for all.
func (s *signer) probe(refused *http.Request, using *signing, good *call, caller *request.Caller) verdict {
	s.probing.Lock()
	defer s.probing.Unlock()
	req := refused.Clone(refused.Context())
	req.URL, req.Host = good.url, good.url.Host
	req.Header.Set("X-Project-Id", good.project)
	using.keys.Sign(req, s.clock.wall())
	caller.Tally.Calls.Add(1)
	resp, err := s.next.RoundTrip(req)
	v := no // without an answer the refusal stands
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody))
		_ = resp.Body.Close()
		v = verdictOf(resp.StatusCode)
	}
	if v == yes {
		return yes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	using.good = nil
	return no
}

// current returns the keys to sign with. New ones start with a clean slate.
func (s *signer) current(ctx context.Context) *signing {
	keys, err := s.keys()
	s.mu.Lock()
	defer s.mu.Unlock()
	if (err != nil) != s.unreadable {
		s.unreadable = err != nil
		s.log.LogAttrs(ctx, slog.LevelWarn, "whether the access keys can be read has changed; the last ones stay in use", slog.Any("error", err))
	}
	if err == nil && keys != s.using.keys {
		s.using = &signing{keys: keys, gate: newGate()}
		s.log.LogAttrs(ctx, slog.LevelInfo, "the access keys have changed")
	}
	return s.using
}

// errNotSigned says that a request was not sent, because its signature would be refused.
var errNotSigned = errors.New("not signed")

func (s *signer) admit(ctx context.Context, using *signing) error {
	if s.clockRefused(using.gate) {
		return fmt.Errorf("%w: %w: our clock is off by %v", ErrUnauthenticated, errNotSigned, s.clock.skew().Round(time.Second))
	}
	open, err := using.gate.enter(ctx)
	if err == nil && !open {
		return fmt.Errorf("%w: %w: too many signatures in a row were refused", ErrUnauthenticated, errNotSigned)
	}
	return err
}

// clockRefused reports whether a signature was refused and our clock is the likely reason. It is over as soon as the clock is right.
func (s *signer) clockRefused(g *gate) bool {
	_, refused, _ := g.state()
	return refused > 0 && s.clock.skew().Abs() > maxSkew
}

// judge records the verdict on a call; a no counts as so many refusals.
func (s *signer) judge(ctx context.Context, using *signing, v verdict, refusals int) {
	if using.gate.leave(v, refusals) {
		s.log.LogAttrs(ctx, slog.LevelError, "the upstream refuses our access keys: no more requests are signed, so that it does not lock them",
			slog.Duration("untilTheyChangeOrFor", lockTime))
	}
	if skew, wrong, changed := s.clock.news(); changed {
		s.log.LogAttrs(ctx, slog.LevelWarn, "our clock was compared with the upstream's", slog.Bool("wrong", wrong),
			slog.Duration("ahead", skew.Round(time.Second)), slog.Duration("refusedFrom", maxSkew))
	}
}

func verdictOf(status int) verdict {
	switch {
	case status == http.StatusUnauthorized:
		return no
	case status/100 == 2:
		return yes
	}
	return unclear // a gateway may answer before it looks at the signature
}

// The states of signing.
const (
	SigningOff        = ""           // callers bring tokens of their own
	SigningUntried    = "untried"    // no call was answered yet
	SigningOK         = "ok"         // the last signature was accepted
	SigningRefused    = "refused"    // the last one was not; others are still tried
	SigningStopped    = "stopped"    // too many in a row were not
	SigningClock      = "clock"      // one was not, and our clock is too far off for the next to be
	SigningUnreadable = "unreadable" // the keys cannot be read; the last ones are in use
)

// Signing is how the signing of requests goes.
type Signing struct {
	State string
	Until time.Time     // when signing is tried again, unless the keys change before; zero unless it has stopped
	Skew  time.Duration // by how much our clock is ahead of the upstream's; 0 where that is less than a minute
}

// Signing returns how the signing of requests goes.
func (c *Client) Signing() Signing {
	if c.signer == nil {
		return Signing{}
	}
	return c.signer.report()
}

func (s *signer) report() Signing {
	s.mu.Lock()
	using, unreadable := s.using, s.unreadable
	s.mu.Unlock()
	var told Signing
	if skew := s.clock.skew(); skew.Abs() > saySkew {
		told.Skew = skew.Round(time.Second)
	}
	accepted, refused, until := using.gate.state()
	switch {
	case s.clockRefused(using.gate):
		told.State = SigningClock
	case refused >= maxRefused:
		told.State, told.Until = SigningStopped, until
	case unreadable:
		told.State = SigningUnreadable
	case refused > 0:
		told.State = SigningRefused
	case accepted:
		told.State = SigningOK
	default:
		told.State = SigningUntried
	}
	return told
}
