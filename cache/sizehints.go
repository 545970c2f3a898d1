package cache

import "github.com/maypok86/otter/v2"

// sizeHints caches the last known size of logs, without rows and without expiry. It lets a lookup predict which blocks to read from Redis
// before it has the log's state. A nil *sizeHints is empty.
type sizeHints struct {
	byLog *otter.Cache[keyHash, logState]
}

func newSizeHints() *sizeHints {
	return &sizeHints{otter.Must(&otter.Options[keyHash, logState]{MaximumSize: maxGroups})}
}

func (s *sizeHints) get(log keyHash) (logState, bool) {
	if s == nil {
		return logState{}, false
	}
	return s.byLog.GetIfPresent(log)
}

func (s *sizeHints) record(log keyHash, st *logState) {
	if s != nil {
		s.byLog.Set(log, logState{gen: st.gen, total: st.total, expired: st.expired})
	}
}
