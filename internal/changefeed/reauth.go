package changefeed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

const (
	// verifyTTL is how long an accepted credential counts, and reverifyInterval how often those with an older verification are
	// looked for. A revoked credential is rejected within both and the time of one call.
	verifyTTL        = 35 * time.Second
	reverifyInterval = 10 * time.Second

	// unverifiedGrace is how long a credential counts while the upstream cannot verify it.
	unverifiedGrace = 15 * time.Minute

	maxParallelVerifications = 8
)

// A credential identifies the access rights that an upstream call is made with.
type credential struct{ token, bearer string }

func credentialOf(c *request.Caller, project string) credential {
	return credential{c.TokenFor(project), c.Bearer}
}

// credentialState is the state of a credential's verification.
type credentialState struct {
	verifiedAt time.Time     // when the upstream accepted it
	pending    chan struct{} // closed when a verification in progress is done; nil if there is none
	err        error         // its result
	refs       int           // members with the credential

	backoff   time.Duration // after an inconclusive verification, before the next
	lastTried time.Time
}

// isAuthError reports whether the upstream, or our own configuration, rejected a credential.
func isAuthError(err error) bool {
	return errors.Is(err, upstream.ErrUnauthenticated) || errors.Is(err, upstream.ErrForbidden) || errors.Is(err, request.ErrProjectForbidden)
}

// authorize checks by the configuration as it is now whether the caller may still read the group's project.
func (h *Hub) authorize(ctx context.Context, m *member) error {
	if h.cfg.Authenticate == nil {
		return nil
	}
	c := m.caller.Clone()
	if err := h.cfg.Authenticate(ctx, c); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %w", upstream.ErrUnauthenticated, err)
	}
	if !c.MayRead(m.group().Project) {
		return request.ErrProjectForbidden
	}
	return nil
}

// credential returns the state of a credential, and adds one if there is none. The lock is held.
func (t *logPoller) credential(c credential) *credentialState {
	s, ok := t.credentials[c]
	if !ok {
		s = &credentialState{}
		t.credentials[c] = s
	}
	return s
}

// markVerified records that a read with the credential succeeded. If the upstream was not called, because others had just read the
// same, the credential is verified soon. The lock is held.
func (s *credentialState) markVerified(called bool) {
	at := time.Now()
	if !called {
		at = at.Add(-verifyTTL)
	}
	if at.After(s.verifiedAt) {
		s.verifiedAt = at
	}
	s.backoff = 0
}

// markVerified records that a read with a credential succeeded, and whether the upstream was called.
func (t *logPoller) markVerified(c credential, called bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.credentials[c]; ok {
		s.markVerified(called)
	}
}

// dropCredential ejects the members with a credential.
func (t *logPoller) dropCredential(c credential, why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.members {
		if m.credential == c {
			t.eject(m, why)
		}
	}
	delete(t.credentials, c)
}

// verify returns nil when the upstream has accepted the credential of m and the position of the log is known. Concurrent calls
// with the same credential share one upstream call.
func (t *logPoller) verify(ctx context.Context, m *member) error {
	for {
		t.mu.Lock()
		s := t.credential(m.credential)
		if t.position != nil && time.Since(s.verifiedAt) < verifyTTL {
			t.mu.Unlock()
			return nil
		}
		if s.pending == nil {
			s.pending = make(chan struct{})
			t.mu.Unlock()
			return t.verifyNow(ctx, m, s)
		}
		pending := s.pending
		t.mu.Unlock()
		select {
		case <-pending:
		case <-ctx.Done():
			return ctx.Err()
		}
		t.mu.Lock()
		err := s.err
		t.mu.Unlock()
		if err != nil && !concernsOneCaller(err) {
			return err
		}
	}
}

// concernsOneCaller reports whether the error of a verification does not apply to other callers with the same credential.
func concernsOneCaller(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, request.ErrTooManyCalls)
}

// verifyNow verifies the credential of m by a call to the upstream and wakes the goroutines that wait for the result.
func (t *logPoller) verifyNow(ctx context.Context, m *member, s *credentialState) error {
	t.mu.Lock()
	unknown := t.position == nil
	t.mu.Unlock()
	as, done := m.readContext(ctx, m.purpose())
	pos, err := t.check(as, unknown)
	called := done()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.position == nil && err == nil {
		t.position = pos
	}
	if err == nil {
		s.markVerified(called)
	} else if s.refs == 0 {
		delete(t.credentials, m.credential)
	}
	s.err = err
	close(s.pending)
	s.pending = nil
	return err
}

// check verifies the credential in ctx by a read. If whole is set it also returns the present position of the log.
func (t *logPoller) check(ctx context.Context, whole bool) (*position, error) {
	if !whole {
		return nil, t.probe(ctx)
	}
	s, err := t.readInitial(ctx)
	if err != nil {
		return nil, err
	}
	return s.position(), nil
}

// reverifyLoop verifies the credentials that no poll used, until the poller stops.
func (t *logPoller) reverifyLoop() {
	for sleep(t.ctx, reverifyInterval) {
		t.reauthorize()
		var g errgroup.Group
		g.SetLimit(maxParallelVerifications)
		for _, m := range t.overdue() {
			g.Go(func() error {
				t.reverify(m)
				return nil
			})
		}
		_ = g.Wait() // the functions return no error
	}
}

// reauthorize ejects the members with callers that may not read the project any more.
func (t *logPoller) reauthorize() {
	for _, m := range t.oneForEach(func(*credentialState) bool { return true }) {
		if err := t.hub.authorize(t.ctx, m); isAuthError(err) {
			t.dropCredential(m.credential, err)
		}
	}
}

// overdue returns a member for each credential that the upstream has not verified for too long.
func (t *logPoller) overdue() []*member {
	return t.oneForEach(func(s *credentialState) bool {
		return time.Since(s.verifiedAt) > verifyTTL && time.Since(s.lastTried) >= s.backoff
	})
}

// oneForEach returns a member for each credential that is selected.
func (t *logPoller) oneForEach(selected func(*credentialState) bool) []*member {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*member
	chosen := map[credential]bool{}
	for _, m := range t.members {
		if !chosen[m.credential] && selected(t.credential(m.credential)) {
			chosen[m.credential] = true
			list = append(list, m)
		}
	}
	return list
}

func (t *logPoller) reverify(m *member) {
	ctx, cancel := context.WithTimeout(t.ctx, reverifyInterval)
	defer cancel()
	as, done := m.readContext(ctx, forProof)
	err := t.probe(as)
	done()
	switch {
	case err == nil:
		t.markVerified(m.credential, true)
	case isAuthError(err), t.recordInconclusive(m.credential) > unverifiedGrace:
		t.dropCredential(m.credential, err)
	}
}

// recordInconclusive records a verification without a result, and returns how long ago the upstream accepted the credential.
func (t *logPoller) recordInconclusive(c credential) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.credential(c)
	s.lastTried, s.backoff = time.Now(), min(maxDelay, max(reverifyInterval, 2*s.backoff))
	return time.Since(s.verifiedAt)
}
