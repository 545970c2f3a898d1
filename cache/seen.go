package cache

import "github.com/maypok86/otter/v2"

// seen remembers how views were when this process last heard of them, however long ago, and none of their rows: enough to guess
// which blocks to ask Redis for before it has told. A nil *seen remembers nothing.
type seen struct {
	byView *otter.Cache[viewHash, track]
}

// newSeen returns what guesses need; nil where there is nothing to guess about.
func newSeen(s *store) *seen {
	if s == nil {
		return nil
	}
	return &seen{otter.Must(&otter.Options[viewHash, track]{MaximumSize: maxGroups})}
}

func (s *seen) of(v viewHash) (track, bool) {
	if s == nil {
		return track{}, false
	}
	return s.byView.GetIfPresent(v)
}

func (s *seen) note(v viewHash, t *track) {
	if s != nil {
		s.byView.Set(v, track{gen: t.gen, total: t.total, expired: t.expired})
	}
}
