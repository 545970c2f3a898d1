// Package upstream speaks the REST call "query scaling activity logs, V2" of Huawei Cloud AutoScaling and owns the nouns of
// the project. It knows HTTP and nothing of GraphQL or of caches.
//
// Values that this package returns are shared between callers that wait for the same answer: nobody may change them.
package upstream

import (
	"slices"
	"strings"
	"time"
)

// MaxLimit is the most rows that one upstream call brings (API document, parameter limit).
const MaxLimit = 100

// Group names one scaling group, and with it one activity log.
type Group struct {
	Region  string
	Project string
	ID      string
}

// Compare orders groups by region, project and id, as the merged feed does.
func (g Group) Compare(h Group) int {
	if c := strings.Compare(g.Region, h.Region); c != 0 {
		return c
	}
	if c := strings.Compare(g.Project, h.Project); c != 0 {
		return c
	}
	return strings.Compare(g.ID, h.ID)
}

// Type is the kind of an activity. The value is the GraphQL spelling (one N in MANUAL); the wire has two, see Config.
type Type string

// The ten documented types, and UNKNOWN for one that this version does not know.
const (
	TypeNormal           Type = "NORMAL"
	TypeManualRemove     Type = "MANUAL_REMOVE"
	TypeManualDelete     Type = "MANUAL_DELETE"
	TypeManualAdd        Type = "MANUAL_ADD"
	TypeELBCheckDelete   Type = "ELB_CHECK_DELETE"
	TypeAuditCheckDelete Type = "AUDIT_CHECK_DELETE"
	TypeDiff             Type = "DIFF"
	TypeModifyELB        Type = "MODIFY_ELB"
	TypeEnterStandby     Type = "ENTER_STANDBY"
	TypeExitStandby      Type = "EXIT_STANDBY"
	TypeUnknown          Type = "UNKNOWN"
)

// Types returns the documented types, in the order of the document, without UNKNOWN.
func Types() []Type {
	return []Type{
		TypeNormal, TypeManualRemove, TypeManualDelete, TypeManualAdd, TypeELBCheckDelete,
		TypeAuditCheckDelete, TypeDiff, TypeModifyELB, TypeEnterStandby, TypeExitStandby,
	}
}

// Status is how far an activity has come.
type Status string

// The three documented statuses, and UNKNOWN for one that this version does not know.
const (
	StatusSuccess Status = "SUCCESS"
	StatusFail    Status = "FAIL"
	StatusDoing   Status = "DOING"
	StatusUnknown Status = "UNKNOWN"
)

// Filter restricts a log. The zero Filter lets everything through. Make one with NewFilter, so that equal filters are equal.
type Filter struct {
	StartTime time.Time // earliest time, whole seconds; zero: none
	EndTime   time.Time // latest time, whole seconds; zero: none
	Types     []Type    // any of these, sorted and without repeats; empty: all
	Status    Status    // empty: all
	LogID     string    // empty: all
}

// NewFilter returns f in its canonical form: times in UTC and widened to whole seconds, types sorted and without repeats.
// It does not change f's slices.
func NewFilter(f Filter) Filter {
	if !f.StartTime.IsZero() {
		f.StartTime = f.StartTime.UTC().Truncate(time.Second)
	}
	if !f.EndTime.IsZero() {
		end := f.EndTime.UTC()
		f.EndTime = end.Truncate(time.Second)
		if f.EndTime.Before(end) {
			f.EndTime = f.EndTime.Add(time.Second)
		}
	}
	f.Types = slices.Compact(slices.Sorted(slices.Values(f.Types)))
	return f
}

// Settled reports whether rows can only join at the head and leave at the tail: neither status nor time is filtered.
// Under those two a row joins or leaves anywhere, because an activity finishes at its old start time.
func (f Filter) Settled() bool {
	return f.Status == "" && f.StartTime.IsZero() && f.EndTime.IsZero()
}

// Key returns a text that is equal for equal filters and different for different ones.
func (f Filter) Key() string {
	var b strings.Builder
	write := func(name, value string) {
		if value != "" {
			b.WriteString(name)
			b.WriteByte('=')
			b.WriteString(value)
			b.WriteByte(';')
		}
	}
	write("from", formatTime(f.StartTime))
	write("to", formatTime(f.EndTime))
	for _, t := range f.Types {
		write("type", string(t))
	}
	write("status", string(f.Status))
	write("log", f.LogID) // last, because it is the only free text
	return b.String()
}

// timeLayout is the one form of a time that the upstream takes (API document: yyyy-MM-ddThh:mm:ssZ, UTC).
const timeLayout = "2006-01-02T15:04:05Z"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// Point is a place in the order of a log: start second descending, then log id ascending. The order is ours; the upstream's
// order inside one second is unknown and may be unstable.
type Point struct {
	Second int64 // Unix time of the start
	LogID  string
}

// Compare is negative where p comes before q in the order, that is where p is newer.
func (p Point) Compare(q Point) int {
	switch {
	case p.Second > q.Second:
		return -1
	case p.Second < q.Second:
		return 1
	}
	return strings.Compare(p.LogID, q.LogID)
}

// Sections are the parts of a page that not everybody wants, as a set of bits. The rest of the summary (all plain fields, and how long each list
// is) is always there.
type Sections uint8

// The heavy parts, and one that is wanted with the rows or never: whatever keeps rows keeps it with the summary.
const (
	SectionInstances     Sections = 1 << iota // instances added, removed, deleted, and moved to or from standby
	SectionFailures                           // instances on which the action failed, with their long details
	SectionLoadBalancers                      // the four lists of load balancers
	SectionDescriptions                       // descriptions

	AllSections = SectionInstances | SectionFailures | SectionLoadBalancers | SectionDescriptions
)

// Has reports whether all of want are in s.
func (s Sections) Has(want Sections) bool { return s&want == want }

// Activity is one row of a log.
type Activity struct {
	Group         Group
	LogID         string
	Type          Type
	RawType       string // as sent
	Status        Status
	RawStatus     string // as sent
	StartTime     time.Time
	EndTime       time.Time // zero while the action runs
	InstanceValue *int32    // instances in the group before the action; nil where not sent
	DesireValue   *int32    // instances wanted when the action is done
	ScalingValue  *int32    // instances that the action adds or takes
	Description   *string   // as sent; mostly JSON, see Reasons; SectionDescriptions
	Lengths       Lengths   // how long the lists are; known without any section
	Details       Details   // the lists, as far as Details.Sections says
	Held          int32     // bytes of text that stay in memory with the row where that is more than its texts: all that was sent of it
}

// Point returns the row's place in its log.
func (a *Activity) Point() Point { return Point{a.StartTime.Unix(), a.LogID} }

// Lengths says how many entries each list of an activity has.
type Lengths struct {
	Added, Removed, Deleted, Failed, Standby int32
	Bound, BindFailed, Unbound, UnbindFailed int32
}

// Details are the heavy parts of an activity.
type Details struct {
	Sections Sections // which of the lists below are filled, and whether descriptions are

	Added, Removed, Deleted, Standby         []*Instance           // SectionInstances
	Failed                                   []*Instance           // SectionFailures
	Bound, BindFailed, Unbound, UnbindFailed []*LoadBalancerChange // SectionLoadBalancers
}

// Instance is one scaling_instance.
type Instance struct {
	ID      *string
	Name    *string
	Config  *string // opaque, as sent
	Failure *Failure
}

// Failure says why an action failed on one instance or load balancer; nil in its parent where nothing failed.
type Failure struct {
	Reason  *string
	Details *string
}

// LoadBalancerChange is one modify_lb: an enhanced load balancer's listener or a classic one's.
type LoadBalancerChange struct {
	LbaasListener   *LbaasListener
	ClassicListener *string // upstream listener, as sent
	Failure         *Failure
}

// LbaasListener is an enhanced load balancer's listener.
type LbaasListener struct {
	ListenerID   *string // null in the documented sample
	PoolID       *string
	ProtocolPort *int32
	Weight       *int32
}

// ListQuery is one upstream call: rows Offset to Offset+Limit-1 of what the filter lets through, newest first.
type ListQuery struct {
	Group  Group
	Filter Filter
	Offset int // at least 0
	Limit  int // 1 to MaxLimit; 0 is never sent, its effect is documented nowhere

	Sections Sections // heavy parts that must be there; of the others Lengths alone
	Anew     bool     // as the upstream has it now: kept answers of different ages did not fit together
}

// Listing is the answer to one upstream call. All of it was true at one moment not before At.
type Listing struct {
	Rows   []*Activity // Rows[i] is row Offset+i, in the upstream's order; nil where it has no id or start time
	Offset int
	Total  int       // rows that the filter lets through
	At     time.Time // when the call was sent
	Stale  bool      // the upstream failed and a kept copy stood in for its answer
}

// PageQuery asks for at most Count rows between two points of a log.
type PageQuery struct {
	Group    Group
	Filter   Filter
	After    *Point // only rows older than this; nil: from the newest
	Before   *Point // only rows newer than this; nil: to the oldest
	Skip     int    // leave out so many of the newest rows; only where After and Before are nil and Last is false
	Count    int    // 0 to 500
	Last     bool   // the oldest Count rows between the points, not the newest
	Sections Sections
}

// Page is the answer to a PageQuery. HasNewer, HasOlder and Total were true at one moment between AsOf and the answer.
type Page struct {
	Rows     []*Activity // newest first, in the order of Point
	HasNewer bool        // a row comes before the first of Rows (or, where it is empty, before the place that was asked for)
	HasOlder bool        // a row comes after the last of Rows (or, where it is empty, after the place that was asked for)
	Total    int         // rows that the filter lets through
	AsOf     time.Time   // when the oldest part of this answer was read from the upstream
	Stale    bool        // the upstream failed and a kept copy stood in for its answer
}

// CountQuery asks how many rows a filter lets through.
type CountQuery struct {
	Group  Group
	Filter Filter
	Anew   bool // past the cache: cached counts of different ages did not fit together
}

// Count is the answer to a CountQuery.
type Count struct {
	Total int
	AsOf  time.Time
	Stale bool
}

// FeedPoint is a place in the order of a merged feed: start second descending, then region, project, group and log id.
type FeedPoint struct {
	Second int64
	Group  Group
	LogID  string
}

// Compare is negative where p comes before q in the feed, that is where p is newer.
func (p FeedPoint) Compare(q FeedPoint) int {
	switch {
	case p.Second > q.Second:
		return -1
	case p.Second < q.Second:
		return 1
	}
	if c := p.Group.Compare(q.Group); c != 0 {
		return c
	}
	return strings.Compare(p.LogID, q.LogID)
}

// FeedQuery asks for at most Count rows of several logs merged into one feed. Its fields mean what those of PageQuery do.
type FeedQuery struct {
	Groups   []Group // sorted by Group.Compare, without repeats
	Filter   Filter
	After    *FeedPoint
	Before   *FeedPoint
	Count    int
	Last     bool
	Sections Sections
}

// FeedPage is the answer to a FeedQuery.
type FeedPage struct {
	Page                      // Total counts the groups that could be read
	Unavailable []Unavailable // the groups that could not be read and are missing in Rows and Total, in the order of Groups
}

// Unavailable is a group that could not be read, and why.
type Unavailable struct {
	Group Group
	Err   error
}
