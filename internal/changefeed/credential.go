package changefeed

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

const (
	// verified is for how long the upstream's yes to a credential counts, and watching how often those that are older are looked
	// for: a credential that was taken back is refused within both times and one call.
	verified = 35 * time.Second
	watching = 10 * time.Second

	// patience is for how long a credential counts that the upstream could not be asked about.
	patience = 15 * time.Minute

	// tries is how many credentials are tried at once.
	tries = 8
)

// A credential is what the upstream is asked with.
type credential struct{ token, bearer string }

func credentialOf(c *request.Caller, project string) credential {
	return credential{c.TokenFor(project), c.Bearer}
}

// standing is what is known of a credential.
type standing struct {
	at    time.Time     // when the upstream said yes
	asked chan struct{} // closed when a question under way is answered; nil where none is
	err   error         // the answer to it
	holds int           // members with it

	rest  time.Duration // after a try that told nothing, before the next
	tried time.Time
}

// refused reports whether the upstream, or our own configuration, took a credential for no good.
func refused(err error) bool {
	return errors.Is(err, upstream.ErrUnauthenticated) || errors.Is(err, upstream.ErrForbidden) || errors.Is(err, request.ErrProjectForbidden)
}

// standing returns what is known of a credential. The lock is held.
func (t *tracker) standing(c credential) *standing {
	s, ok := t.credentials[c]
	if !ok {
		s = &standing{}
		t.credentials[c] = s
	}
	return s
}

// accepted notes that a read with the credential succeeded. Where the upstream was not asked, because what others just read was enough, it is
// asked soon. The lock is held.
func (s *standing) accepted(asked bool) {
	at := time.Now()
	if !asked {
		at = at.Add(-verified)
	}
	if at.After(s.at) {
		s.at = at
	}
	s.rest = 0
}

// accept notes that a read with a credential succeeded, and whether the upstream was asked.
func (t *tracker) accept(c credential, asked bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.credentials[c]; ok {
		s.accepted(asked)
	}
}

// refuse ends the members with a credential.
func (t *tracker) refuse(c credential, why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s, m := range t.members {
		if m.credential == c {
			s.end(why)
			delete(t.members, s)
		}
	}
	delete(t.credentials, c)
}

// verify sees to it that the upstream takes the credential of m, and that it is known where the log stands. Those who come with
// the same credential at the same time wait for one answer.
func (t *tracker) verify(ctx context.Context, m *member) error {
	for {
		t.mu.Lock()
		s := t.standing(m.credential)
		if t.shared != nil && time.Since(s.at) < verified {
			t.mu.Unlock()
			return nil
		}
		if s.asked == nil {
			s.asked = make(chan struct{})
			t.mu.Unlock()
			return t.answer(ctx, m, s)
		}
		asked := s.asked
		t.mu.Unlock()
		select {
		case <-asked:
		case <-ctx.Done():
			return ctx.Err()
		}
		t.mu.Lock()
		err := s.err
		t.mu.Unlock()
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
}

// answer asks the upstream as m and tells those who wait.
func (t *tracker) answer(ctx context.Context, m *member, s *standing) error {
	t.mu.Lock()
	unknown := t.shared == nil
	t.mu.Unlock()
	as, counted := m.asCaller(ctx, false)
	pos, err := t.ask(as, unknown)
	asked := counted()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shared == nil && err == nil {
		t.shared = pos
	}
	if err == nil {
		s.accepted(asked)
	} else if s.holds == 0 {
		delete(t.credentials, m.credential)
	}
	s.err = err
	close(s.asked)
	s.asked = nil
	return err
}

// ask reads the log as somebody who begins now, or as little as there is.
func (t *tracker) ask(ctx context.Context, whole bool) (*position, error) {
	if !whole {
		return nil, t.try(ctx)
	}
	s, err := t.first(ctx)
	if err != nil {
		return nil, err
	}
	return s.position(), nil
}

// watch tries the credentials that polls leave out, until the tracker stops.
func (t *tracker) watch() {
	for wait(t.ctx, watching) {
		var g errgroup.Group
		g.SetLimit(tries)
		for _, m := range t.overdue() {
			g.Go(func() error {
				t.recheck(m)
				return nil
			})
		}
		_ = g.Wait() // none of them fails
	}
}

// overdue returns a member for each credential that the upstream was not asked about for too long.
func (t *tracker) overdue() []*member {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*member
	chosen := map[credential]bool{}
	for _, m := range t.members {
		s := t.standing(m.credential)
		if !chosen[m.credential] && time.Since(s.at) > verified && time.Since(s.tried) >= s.rest {
			chosen[m.credential] = true
			list = append(list, m)
		}
	}
	return list
}

func (t *tracker) recheck(m *member) {
	ctx, cancel := context.WithTimeout(t.ctx, watching)
	defer cancel()
	as, counted := m.asCaller(ctx, true)
	err := t.try(as)
	counted()
	switch {
	case err == nil:
		t.accept(m.credential, true)
	case refused(err), t.untold(m.credential) > patience:
		t.refuse(m.credential, err)
	}
}

// untold notes that a try told nothing, and returns how long ago the upstream took the credential for good.
func (t *tracker) untold(c credential) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.standing(c)
	s.tried, s.rest = time.Now(), min(maxPause, max(watching, 2*s.rest))
	return time.Since(s.at)
}
