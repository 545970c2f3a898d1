package upstream

import (
	"hash/maphash"
	"sync"
)

// callerKey stands for a caller in this process. It is a hash, because tokens come from clients, may be long, and are remembered for a while.
type callerKey uint64

// identities distinguishes callers, and remembers the tokens that the upstream has accepted. Anyone can invent tokens, so those that have not
// been accepted yet have no share of their own. The zero value is not usable.
type identities struct {
	seed maphash.Seed

	mu       sync.Mutex
	accepted map[callerKey]struct{}
}

func newIdentities() *identities {
	return &identities{seed: maphash.MakeSeed(), accepted: map[callerKey]struct{}{}}
}

func (s *identities) key(text string) callerKey { return callerKey(maphash.String(s.seed, text)) }

// of returns the key of the caller's share of the slots, and whether the caller is known: it is authenticated, or the upstream has accepted
// its token. The key is that of the name, of the token for all projects if that was accepted, otherwise of the token that is sent: what a caller
// adds to its request gives it no further share.
func (s *identities) of(k *call) (key callerKey, known bool) {
	if k.caller.Name != "" {
		return s.key("name " + k.caller.Name), true
	}
	if general := s.key("token " + k.caller.Token); s.isAccepted(general) {
		return general, true
	}
	sent := s.key("token " + k.token())
	return sent, s.isAccepted(sent)
}

// accept remembers that the upstream has accepted the token of a call.
func (s *identities) accept(k *call) {
	key := s.key("token " + k.token())
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.accepted) >= maxRemembered {
		s.accepted = map[callerKey]struct{}{}
	}
	s.accepted[key] = struct{}{}
}

func (s *identities) isAccepted(key callerKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.accepted[key]
	return ok
}
