package insights

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"scalegraph/upstream"
)

// FailureGroup is all failures of one cause.
type FailureGroup struct {
	Key           string
	Code          *string // nil: the text has none
	Reason        string  // the most recent text
	Count         int32   // of instances and load balancers
	ActivityCount int32
	Groups        []upstream.Group // in the order of Group.Compare
	FirstSeen     time.Time        // start of the oldest activity
	LastSeen      time.Time        // start of the newest activity
	Example       *upstream.Activity

	latest upstream.FeedPoint // of the row that was added last
}

// Failures groups failures by cause. The zero value has none.
type Failures struct {
	byKey map[string]*FailureGroup
	known map[failureTexts]cause // of recent texts, because failures repeat
}

type failureTexts struct{ reason, details string }

// maxKnown bounds Failures.known.
const maxKnown = 512

// Add counts the failures of a row, which must have the sections of failures and load balancers.
func (s *Failures) Add(row *upstream.Activity) {
	for f := range row.Details.Failures() {
		s.add(row, s.cause(f))
	}
}

func (s *Failures) add(row *upstream.Activity, c cause) {
	g := s.byKey[c.key]
	if g == nil {
		g = newFailureGroup(row, c)
		if s.byKey == nil {
			s.byKey = map[string]*FailureGroup{}
		}
		s.byKey[g.Key] = g
	}
	g.Count++
	if at := pointOf(row); at != g.latest {
		g.latest = at
		g.ActivityCount++
		g.FirstSeen = row.StartTime
	}
	if i, found := slices.BinarySearchFunc(g.Groups, row.Group, upstream.Group.Compare); !found {
		g.Groups = slices.Insert(g.Groups, i, row.Group)
	}
}

// newFailureGroup returns a group without failures.
func newFailureGroup(row *upstream.Activity, c cause) *FailureGroup {
	g := &FailureGroup{Key: c.key, Reason: c.text, LastSeen: row.StartTime, Example: row}
	if c.code != "" {
		g.Code = &c.code
	}
	return g
}

// cause copies the texts, because those of a row keep all of the row in memory.
func (s *Failures) cause(f *upstream.Failure) cause {
	reason, details := texts(f)
	if c, ok := s.known[failureTexts{reason, details}]; ok {
		return c
	}
	reason, details = strings.Clone(reason), strings.Clone(details)
	c := causeOf(reason, details)
	if s.known == nil || len(s.known) == maxKnown {
		s.known = map[failureTexts]cause{}
	}
	s.known[failureTexts{reason, details}] = c
	return c
}

// Top returns at most n groups: those with the most failures, then by key.
func (s *Failures) Top(n int) []*FailureGroup {
	groups := make([]*FailureGroup, 0, len(s.byKey))
	for _, g := range s.byKey {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *FailureGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Key, b.Key))
	})
	return groups[:min(n, len(groups))]
}
