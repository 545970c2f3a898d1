package cache

import (
	"github.com/maypok86/otter/v2"

	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
)

// sizeHints caches the last known size of logs, without rows and without expiry. It lets a lookup predict which blocks to read from Redis
// before it has the log's state. A nil *sizeHints is empty.
type sizeHints struct {
	byLog *otter.Cache[cachekey.Hash, block.State]
}

func newSizeHints() *sizeHints {
	return &sizeHints{otter.Must(&otter.Options[cachekey.Hash, block.State]{MaximumSize: maxGroups})}
}

func (s *sizeHints) get(log cachekey.Hash) (block.State, bool) {
	if s == nil {
		return block.State{}, false
	}
	return s.byLog.GetIfPresent(log)
}

func (s *sizeHints) record(log cachekey.Hash, st *block.State) {
	if s != nil {
		s.byLog.Set(log, block.State{Gen: st.Gen, Total: st.Total, Expired: st.Expired})
	}
}
