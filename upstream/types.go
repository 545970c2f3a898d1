// Package upstream is a client of the REST API of Huawei Cloud AutoScaling: activity logs, groups, instances, policies and executions. It also
// defines the domain types of the project. It does not depend on GraphQL or on caches.
//
// A call of a Client acquires a slot (bulkhead), checks the backoff of its group and the throttling of its credential, and is sent with a token or
// a signature (authTransport), with retries and a circuit breaker for each region. Package wirejson decodes the response.
//
// Returned values may be shared between callers whose calls were coalesced. Callers must not change them.
package upstream

import (
	"slices"
	"strings"
	"time"
)

// MaxLimit is the maximum number of rows in the response to one call (API document, parameter limit).
const MaxLimit = 100

// Group identifies one scaling group and its activity log.
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

// Type is the type of an activity. Its values have the spelling of GraphQL, with one N in MANUAL; that of the upstream differs, see Config.
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

// Status is the status of an activity.
type Status string

// The three documented statuses, and UNKNOWN for one that this version does not know.
const (
	StatusSuccess Status = "SUCCESS"
	StatusFail    Status = "FAIL"
	StatusDoing   Status = "DOING"
	StatusUnknown Status = "UNKNOWN"
)

// Filter selects rows of a log. The zero Filter selects all. Create filters with NewFilter, so that equal filters have equal keys.
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

// AppendOnly reports whether rows are only added at the head and removed at the tail: the filter has neither a status nor times. With those,
// rows are added and removed anywhere, because an activity does not move when it finishes.
func (f Filter) AppendOnly() bool {
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

// timeLayout is the only form of a time that the upstream accepts (API document: yyyy-MM-ddThh:mm:ssZ, UTC).
const timeLayout = "2006-01-02T15:04:05Z"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// Point is a position in the order of a log: start second descending, then log id ascending. The upstream's order inside one second is
// undocumented and may be unstable.
type Point struct {
	Second int64 // Unix time of the start
	LogID  string
}

// Compare is negative if p comes before q in the order, that is if p is newer.
func (p Point) Compare(q Point) int {
	switch {
	case p.Second > q.Second:
		return -1
	case p.Second < q.Second:
		return 1
	}
	return strings.Compare(p.LogID, q.LogID)
}

// Sections is a set of the optional parts of a page. The other fields and the lengths of the lists are always present.
type Sections uint8

// The optional parts. Caches store descriptions together with the summary.
const (
	SectionInstances     Sections = 1 << iota // instances added, removed, deleted, and moved to or from standby
	SectionFailures                           // instances on which the action failed, with their long details
	SectionLoadBalancers                      // the four lists of load balancers
	SectionDescriptions                       // descriptions

	AllSections = SectionInstances | SectionFailures | SectionLoadBalancers | SectionDescriptions
)

// Has reports whether s contains all sections of want.
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
	EndTime       time.Time   // zero if the action is in progress
	InstanceValue *int32      // instances in the group before the action; nil if not sent
	DesireValue   *int32      // desired number of instances
	ScalingValue  *int32      // instances that the action adds or removes
	Description   *string     // as sent, mostly JSON, see Reasons; SectionDescriptions
	ListLengths   ListLengths // lengths of the lists; set for any sections
	Details       Details     // the lists of Details.Sections
	RetainedBytes int32       // bytes of text that the row retains in memory if that is more than its strings
}

// Point returns the row's position in its log.
func (a *Activity) Point() Point { return Point{a.StartTime.Unix(), a.LogID} }

// ListLengths has the length of each list of an activity.
type ListLengths struct {
	Added, Removed, Deleted, Failed, Standby int32
	Bound, BindFailed, Unbound, UnbindFailed int32
}

// Details has the lists of an activity.
type Details struct {
	Sections Sections // the sections that are set

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

// Failure is the reason why an action failed on one instance or load balancer. It is nil if nothing failed.
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

// ListQuery is one upstream call: rows Offset to Offset+Limit-1 of those that match the filter, newest first.
type ListQuery struct {
	Group  Group
	Filter Filter
	Offset int // at least 0
	Limit  int // 1 to MaxLimit; the effect of 0 is not documented

	Sections    Sections // the sections to return; the other lists have lengths only
	BypassCache bool     // bypass the cache: cached blocks of different ages were inconsistent
	Probe       bool     // of a search: some of the rows around the middle suffice
}

// Listing is the response to one upstream call. It was true at one time not before At.
type Listing struct {
	Rows   []*Activity // Rows[i] is row Offset+i in the upstream's order; nil if it has no id or start time
	Offset int
	Total  int       // rows that match the filter
	At     time.Time // when the call was sent
	Stale  bool      // the upstream failed and a cached copy was served instead
}

// PageQuery asks for at most Count rows between two points of a log.
type PageQuery struct {
	Group    Group
	Filter   Filter
	After    *Point // only rows older than this; nil: from the newest
	Before   *Point // only rows newer than this; nil: to the oldest
	Skip     int    // number of the newest rows to skip; only if After and Before are nil and Last is false
	Count    int    // 0 to 500
	Last     bool   // the oldest Count rows between the points, not the newest
	Sections Sections
}

// Page is the result of a PageQuery. HasNewer, HasOlder and Total were true at one time since AsOf.
type Page struct {
	Rows     []*Activity // newest first, in the order of Point
	HasNewer bool        // a row comes before the first of Rows or, if it is empty, before the requested position
	HasOlder bool        // a row comes after the last of Rows or, if it is empty, after the requested position
	Total    int         // rows that match the filter
	AsOf     time.Time   // when the oldest part was read from the upstream
	Stale    bool        // the upstream failed and a cached copy was served instead
}

// CountQuery asks for the number of rows that match a filter.
type CountQuery struct {
	Group       Group
	Filter      Filter
	BypassCache bool // past the cache: cached counts of different ages did not fit together
}

// Count is the result of a CountQuery.
type Count struct {
	Total int
	AsOf  time.Time
	Stale bool
}

// FeedPoint is a position in the order of a merged feed: start second descending, then region, project, group and log id.
type FeedPoint struct {
	Second int64
	Group  Group
	LogID  string
}

// Compare is negative if p comes before q in the feed, that is if p is newer.
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

// FeedQuery asks for at most Count rows of several logs merged into one feed. Its fields have the meaning of those of PageQuery.
type FeedQuery struct {
	Groups   []Group // sorted by Group.Compare, without repeats
	Filter   Filter
	After    *FeedPoint
	Before   *FeedPoint
	Count    int
	Last     bool
	Sections Sections
}

// FeedPage is the result of a FeedQuery.
type FeedPage struct {
	Page                      // Total covers the groups that could be read
	Unavailable []Unavailable // the groups that could not be read and are missing in Rows and Total, in the order of Groups
}

// Unavailable is a group that could not be read, with the reason.
type Unavailable struct {
	Group Group
	Err   error
}
