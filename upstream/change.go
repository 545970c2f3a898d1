package upstream

import "errors"

// ChangeKind is the kind of a change of an activity, or of the availability of its log.
type ChangeKind string

// The kinds of changes.
const (
	ChangeStarted  ChangeKind = "STARTED"  // it is new and in progress
	ChangeUpdated  ChangeKind = "UPDATED"  // it is still in progress, and its content has changed
	ChangeFinished ChangeKind = "FINISHED" // it has ended; the only change of one that had ended when it was first seen

	ChangeUnavailable ChangeKind = "UNAVAILABLE" // the group cannot be read; only if ChangeQuery.Partial
	ChangeAvailable   ChangeKind = "AVAILABLE"   // the group can be read again; missed changes follow
	ChangeIncomplete  ChangeKind = "INCOMPLETE"  // some rows cannot be read; the others, and later changes, follow
)

// A Change is one event of a subscription. The first event of each subscription has no kind, only the position at which the subscription
// starts.
type Change struct {
	Kind     ChangeKind
	Group    Group
	Activity *Activity // after the change, with all sections; nil if the event is about the group
	Err      error     // of ChangeUnavailable and ChangeIncomplete
	Position []byte    // of the subscription after the change; for ChangeQuery.Since
}

// ChangeQuery selects the changes of several logs. A change matches the filter if the row matches after the change.
type ChangeQuery struct {
	Groups  []Group // sorted by Group.Compare, without repeats
	Filter  Filter
	Since   []byte // a Change.Position of a query for the same groups; nil: from now on
	Partial bool   // a group that cannot be read is reported and retried, and does not end the subscription
}

// Errors of a subscription, besides those of an upstream call.
var (
	ErrBadPosition        = errors.New("the position cannot be read")
	ErrSlowSubscriber     = errors.New("the subscriber does not keep up")
	ErrTooManySubscribers = errors.New("there are too many subscriptions")

	// ErrRowsUnread is the error of ChangeIncomplete.
	ErrRowsUnread = errors.New("more rows started in one second than the upstream returns")
)
