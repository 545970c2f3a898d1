package emulator

// Switches decide what the documents leave open. The zero value is the default of each; it cannot be changed after New.
type Switches struct {
	Window         Window         // which times start_time and end_time test
	DoingInWindow  DoingInWindow  // what a row without an end is to a bound that tests ends
	Bounds         Bounds         // whether a time equal to a bound is let through
	LimitZero      LimitZero      // what limit=0 does
	Ties           Ties           // the order inside one second
	Seed           uint64         // of TiesUnstable
	Spelling       Spelling       // of the three MANNUAL types in answers
	FilterSpelling FilterSpelling // of the three MANNUAL types in filters
	UnknownFilter  UnknownFilter  // what a type or status that is not documented does as a filter
	ScalingValue   ScalingValue   // the JSON type of scaling_value
	DoingEnd       DoingEnd       // end_time of a row without an end
	Fractions      Fractions      // whether end times have milliseconds
	Lists          Lists          // lists that the type of a row does not use
	Refusal        Refusal        // who answers 401
	RetryAfter     RetryAfter     // the header on 429
	Version        VersionRefusal // the status of an API version that is neither v1 nor v2
	Access         Access         // who may ask
	Compression    Compression    // gzip

	ListOrder       ListOrder       // of groups, instances and policies
	Fuzzy           Fuzzy           // how a filter by a part of a name compares
	HiddenGroup     HiddenGroup     // calls for one group outside of the enterprise projects of a token
	UnknownGroup    UnknownGroup    // the code of list instances for an unknown group
	Missing         Missing         // members without a value
	AuditTime       AuditTime       // the JSON type of health_periodic_audit_time
	HealthSpelling  HealthSpelling  // of INITIALIZING in responses
	TriggerSpelling TriggerSpelling // of SCHEDULED in responses
	PausedDetail    PausedDetail    // detail of a group that was paused after a failure
}

// Window says which times of a row the bounds of a query test.
type Window uint8

// The readings of start_time and end_time.
const (
	WindowPair  Window = iota // start_time tests when a row started, end_time when it ended
	WindowStart               // both test when it started
	WindowEnd                 // both test when it ended
)

// DoingInWindow says what a row that has not ended is to a bound that tests ends.
type DoingInWindow uint8

// The choices for a row without an end.
const (
	DoingOut DoingInWindow = iota // not let through
	DoingIn                       // let through
)

// Bounds says whether a time that equals a bound is let through.
type Bounds uint8

// The kinds of bounds.
const (
	BoundsInclusive Bounds = iota // both
	BoundsExclusive               // neither
	BoundsHalfOpen                // start_time is, end_time is not
)

// LimitZero says what limit=0 does.
type LimitZero uint8

// The choices for limit=0.
const (
	LimitZeroEmpty   LimitZero = iota // an empty page with a true total
	LimitZeroDefault                  // the same as no limit: 20, echoed as 20
	LimitZeroRefused                  // 400 AS.9004
)

// Ties is the order of rows that started in one second, seen newest first.
type Ties uint8

// The orders inside one second.
const (
	TiesNewestFirst Ties = iota // the row inserted last comes first
	TiesOldestFirst             // the row inserted first comes first
	TiesByID                    // ascending ids
	TiesUnstable                // another order in every answer
)

// Spelling is how answers spell MANNUAL_ADD, MANNUAL_REMOVE and MANNUAL_DELETE.
type Spelling uint8

// The spellings of answers.
const (
	SpellMannual Spelling = iota // two N, as most documents and the sample
	SpellManual                  // one N, as the English pages
)

// FilterSpelling is which spellings a filter may use.
type FilterSpelling uint8

// The spellings of filters.
const (
	FilterMannual FilterSpelling = iota // two N; the other one is an unknown type
	FilterManual                        // one N; the other one is an unknown type
	FilterEither                        // both
)

// UnknownFilter says what a type or status that is not documented does as a filter.
type UnknownFilter uint8

// The choices for unknown filters.
const (
	UnknownRefused UnknownFilter = iota // 400 AS.9012 or AS.9013
	UnknownEmpty                        // matches nothing
)

// ScalingValue is the JSON type of scaling_value.
type ScalingValue uint8

// The types of scaling_value.
const (
	ScalingNumber ScalingValue = iota // as in the sample
	ScalingText                       // as in the table of the API document
)

// DoingEnd is how a row without an end shows its end_time.
type DoingEnd uint8

// The forms of a missing end.
const (
	EndAbsent DoingEnd = iota // no member
	EndNull                   // null
	EndEmpty                  // ""
)

// Fractions says whether end times have milliseconds.
type Fractions uint8

// The precisions of end times.
const (
	WholeSeconds Fractions = iota // 2018-11-22T13:47:38Z
	Milliseconds                  // 2018-11-22T13:47:38.000Z
)

// Lists is how the lists are shown that the type of a row does not use. A list that holds something is always shown.
type Lists uint8

// The forms of unused lists.
const (
	ListsByType Lists = iota // the group of lists that the type uses is there whole ([] where empty), the other absent whole
	ListsNull                // every empty list is null
	ListsEmpty               // every empty list is []
	ListsAbsent              // every empty list is absent
)

// Refusal says who answers 401.
type Refusal uint8

// The two places that check a token.
const (
	ByGateway Refusal = iota // the API gateway: flat body, APIG.0301, or APIG.0307 for an expired token
	ByService                // the service: nested body, AS.0005 without a token, else AS.0006
)

// RetryAfter is the header of that name on answers 429, where a Fault does not set it.
type RetryAfter uint8

// The forms of Retry-After.
const (
	RetryAfterAbsent  RetryAfter = iota // never seen in the wild; a Fault's own is sent in seconds
	RetryAfterSeconds                   // 1, or a Fault's own
	RetryAfterDate                      // the same as an HTTP date
)

// VersionRefusal is the status of AS.0033.
type VersionRefusal uint8

// The documented statuses of an unknown API version.
const (
	VersionNotFound   VersionRefusal = iota // 404
	VersionBadRequest                       // 400
)

// Access says who may ask.
type Access uint8

// The kinds of access.
const (
	AccessByToken Access = iota // those with a token or a key of the project; nobody where none was added
	AccessOpen                  // everybody, with any token or none
)

// Compression says when an answer is compressed.
type Compression uint8

// The kinds of compression.
const (
	GzipAccepted Compression = iota // where the request accepts gzip and the body is not tiny
	GzipNever
)

// ListOrder is the order of groups, instances and policies.
type ListOrder uint8

// The orders of lists.
const (
	OrderNewestFirst ListOrder = iota // by create_time, as in the only sample with several entries
	OrderOldestFirst
	OrderByID
	OrderUnstable // another order in every response
)

// Fuzzy is how a filter by a part of a name compares.
type Fuzzy uint8

// The kinds of fuzzy comparison.
const (
	FuzzySubstring Fuzzy = iota // any part, case-sensitive
	FuzzyAnyCase                // any part, case-insensitive
	FuzzyPrefix                 // the beginning, case-sensitive
)

// HiddenGroup is the response to a call for one group that is outside of the enterprise projects of the token. Lists never show it.
type HiddenGroup uint8

// The responses for hidden groups.
const (
	HiddenForbidden HiddenGroup = iota // 403 AS.0011
	HiddenUnknown                      // as for a group that does not exist
	HiddenServed                       // as for a visible one
)

// UnknownGroup is the code of list instances for a group that does not exist.
type UnknownGroup uint8

// The documented codes.
const (
	UnknownGroup2007 UnknownGroup = iota // as seen
	UnknownGroup4005                     // as documented for this call
)

// Missing is how a member without a value is shown.
type Missing uint8

// The forms of missing values.
const (
	MissingAsSampled Missing = iota // null: detail, lb_listener_id, instance_id and the configuration; absent: activity_type, lbaas_listeners
	MissingNull                     // all null
	MissingAbsent                   // all absent
)

// AuditTime is the JSON type of health_periodic_audit_time.
type AuditTime uint8

// The types of health_periodic_audit_time.
const (
	AuditTimeNumber AuditTime = iota // as documented
	AuditTimeText                    // as in an older fixture
)

// HealthSpelling is how responses spell INITIALIZING.
type HealthSpelling uint8

// The spellings of INITIALIZING.
const (
	HealthMisspelt HealthSpelling = iota // INITAILIZING, as documented
	HealthSpelt                          // INITIALIZING
)

// TriggerSpelling is how responses spell SCHEDULED.
type TriggerSpelling uint8

// The spellings of SCHEDULED.
const (
	TriggerSchedule     TriggerSpelling = iota // SCHEDULE, as most documents
	TriggerAsInRequests                        // SCHEDULED
)

// PausedDetail says what becomes of detail when a group in ERROR is paused.
type PausedDetail uint8

// The choices for a paused group.
const (
	DetailCleared  PausedDetail = iota // shown in ERROR only
	DetailRetained                     // shown in ERROR and PAUSED
)
