package upstream

import (
	"sync"
	"time"
)

// result is what a call says about the health of its group and region.
type result int

const (
	resultOK result = iota
	resultFailed
	resultUnclear // the caller left, or nothing was sent
)

// A region counts as failing if at least minFailing groups and as many callers fail, and each is at least half of those seen.
const minFailing = 2

// regionHealth has the latest result of each group and each caller within a window. One caller's or one group's failures say
// nothing about the region.
type regionHealth struct {
	window time.Duration

	mu      sync.Mutex
	groups  map[groupKey]observation
	callers map[string]observation
}

type observation struct {
	at     time.Time
	failed bool
}

// record reports whether the region as a whole is failing.
func (h *regionHealth) record(group groupKey, caller string, r result, now time.Time) bool {
	if r == resultUnclear {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.groups == nil || len(h.groups) >= maxRemembered || len(h.callers) >= maxRemembered {
		h.groups, h.callers = map[groupKey]observation{}, map[string]observation{}
	}
	o := observation{now, r == resultFailed}
	h.groups[group], h.callers[caller] = o, o
	return o.failed && widespread(h.groups, now.Add(-h.window)) && widespread(h.callers, now.Add(-h.window))
}

// reset forgets everything, for a circuit that has just opened.
func (h *regionHealth) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.groups, h.callers = nil, nil
}

// widespread deletes observations from before start.
func widespread[K comparable](seen map[K]observation, start time.Time) bool {
	failing := 0
	for key, o := range seen {
		if o.at.Before(start) {
			delete(seen, key)
		} else if o.failed {
			failing++
		}
	}
	return failing >= minFailing && 2*failing >= len(seen)
}
