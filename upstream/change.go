package upstream

import "errors"

// ChangeKind says what happened to an activity.
type ChangeKind string

// The kinds of changes.
const (
	ChangeStarted  ChangeKind = "STARTED"  // it was not there before, and it runs
	ChangeUpdated  ChangeKind = "UPDATED"  // it runs on, and something about it changed
	ChangeFinished ChangeKind = "FINISHED" // it is over; the only change of one that was over when it was first seen
)

// A Change is something that happened in a log.
type Change struct {
	Kind     ChangeKind
	Activity *Activity // as it is after the change, with all sections; nil where a subscription only tells where it begins
	Position []byte    // where its subscription stands after it; for ChangeQuery.Since
}

// ChangeQuery asks for the changes of several logs. A change is let through where the filter lets the row through that it has
// after the change.
type ChangeQuery struct {
	Groups []Group // sorted by Group.Compare, without repeats
	Filter Filter
	Since  []byte // a Change.Position of a query for the same groups; nil: from now on
}

// What can go wrong with a subscription beside what can go wrong with a call.
var (
	ErrPositionGarbled = errors.New("the position cannot be read")
	ErrSlowSubscriber  = errors.New("the subscriber does not keep up")
	ErrManySubscribers = errors.New("there are too many subscriptions")
)
