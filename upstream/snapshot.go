package upstream

import "time"

// Snapshot is a whole list of groups, instances or policies, as it was at one moment. It is shared: nobody may change it.
type Snapshot[T any] struct {
	Entries []*T // in no particular order, without repeats
	AsOf    time.Time
	Stale   bool // the upstream failed and a cached copy was served instead
}
