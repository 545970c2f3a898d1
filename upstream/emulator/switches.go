package emulator

// Switches select the behaviour that the documents do not define. The zero value has the defaults. They cannot be changed after New.
type Switches struct {
	Window         Window         // which times start_time and end_time are compared with
	DoingInWindow  DoingInWindow  // whether a row in progress matches a bound of the end
	Bounds         Bounds         // whether a time equal to a bound matches
	LimitZero      LimitZero      // the effect of limit=0
	Ties           Ties           // the order inside one second
	Seed           uint64         // of TiesUnstable
	Spelling       Spelling       // of the three MANNUAL types in responses
	FilterSpelling FilterSpelling // of the three MANNUAL types in filters
	UnknownFilter  UnknownFilter  // the effect of an undocumented type or status in a filter
	ScalingValue   ScalingValue   // the JSON type of scaling_value
	DoingEnd       DoingEnd       // end_time of a row without an end
	Fractions      Fractions      // whether end times have milliseconds
	Lists          Lists          // lists that the type of a row does not use
	Refusal        Refusal        // whether the gateway or the service responds with 401
	RetryAfter     RetryAfter     // the header on 429
	Version        VersionRefusal // the status of an API version that is neither v1 nor v2
	Access         Access         // which requests are accepted
	Compression    Compression    // gzip

	ListOrder       ListOrder       // of groups, instances and policies
	Fuzzy           Fuzzy           // the comparison of a filter by a part of a name
	HiddenGroup     HiddenGroup     // calls for one group outside of the enterprise projects of a token
	UnknownGroup    UnknownGroup    // the code of list instances for an unknown group
	Missing         Missing         // members without a value
	AuditTime       AuditTime       // the JSON type of health_periodic_audit_time
	HealthSpelling  HealthSpelling  // of INITIALIZING in responses
	TriggerSpelling TriggerSpelling // of SCHEDULED in responses
	PausedDetail    PausedDetail    // the detail of a group that was paused after a failure
}

// Window selects the times of a row that the bounds of a query are compared with.
type Window uint8

// The readings of start_time and end_time.
const (
	WindowPair  Window = iota // start_time is compared with the start, end_time with the end
	WindowStart               // both are compared with the start
	WindowEnd                 // both are compared with the end
)

// DoingInWindow selects whether a row in progress matches a bound of the end.
type DoingInWindow uint8

// The choices for a row in progress.
const (
	DoingOut DoingInWindow = iota // does not match
	DoingIn                       // matches
)

// Bounds selects whether a time equal to a bound matches.
type Bounds uint8

// The kinds of bounds.
const (
	BoundsInclusive Bounds = iota // matches both
	BoundsExclusive               // matches neither
	BoundsHalfOpen                // matches start_time only
)

// LimitZero selects the effect of limit=0.
type LimitZero uint8

// The choices for limit=0.
const (
	LimitZeroEmpty   LimitZero = iota // an empty page with the total
	LimitZeroDefault                  // the default of 20, echoed as 20
	LimitZeroRefused                  // 400 AS.9004
)

// Ties is the order of rows that started in the same second.
type Ties uint8

// The orders inside one second.
const (
	TiesNewestFirst Ties = iota // the row inserted last comes first
	TiesOldestFirst             // the row inserted first comes first
	TiesByID                    // ascending ids
	TiesUnstable                // a random order in every response
)

// Spelling is the spelling of MANNUAL_ADD, MANNUAL_REMOVE and MANNUAL_DELETE in responses.
type Spelling uint8

// The spellings in responses.
const (
	SpellMannual Spelling = iota // two N, as in most documents and in the sample
	SpellManual                  // one N, as in the English pages
)

// FilterSpelling selects the spellings that a filter may use.
type FilterSpelling uint8

// The spellings of filters.
const (
	FilterMannual FilterSpelling = iota // two N; the other one is an unknown type
	FilterManual                        // one N; the other one is an unknown type
	FilterEither                        // both
)

// UnknownFilter selects the effect of an undocumented type or status in a filter.
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

// DoingEnd is the form of end_time in a row in progress.
type DoingEnd uint8

// The forms of a missing end.
const (
	EndAbsent DoingEnd = iota // no member
	EndNull                   // null
	EndEmpty                  // ""
)

// Fractions selects the precision of end times in responses.
type Fractions uint8

// The precisions of end times.
const (
	WholeSeconds Fractions = iota // 2018-11-22T13:47:38Z
	Milliseconds                  // 2018-11-22T13:47:38.000Z
)

// Lists is the form of the lists that the type of a row does not use. A list that is not empty is always sent.
type Lists uint8

// The forms of unused lists.
const (
	ListsByType Lists = iota // the lists that the type uses are sent ([] if empty), the others are not
	ListsNull                // empty lists are null
	ListsEmpty               // empty lists are []
	ListsAbsent              // empty lists are not sent
)

// Refusal selects whether the gateway or the service responds with 401.
type Refusal uint8

// The two places that check a token.
const (
	ByGateway Refusal = iota // the API gateway: flat body, APIG.0301, or APIG.0307 for an expired token
	ByService                // the service: nested body, AS.0005 without a token, else AS.0006
)

// RetryAfter is the form of the header of that name in 429 responses.
type RetryAfter uint8

// The forms of Retry-After.
const (
	RetryAfterAbsent  RetryAfter = iota // as observed; sent in seconds if a Fault sets it
	RetryAfterSeconds                   // 1, or the value of the Fault
	RetryAfterDate                      // the same as an HTTP date
)

// VersionRefusal is the status of AS.0033.
type VersionRefusal uint8

// The documented statuses of an unknown API version.
const (
	VersionNotFound   VersionRefusal = iota // 404
	VersionBadRequest                       // 400
)

// Access selects which requests are accepted.
type Access uint8

// The kinds of access.
const (
	AccessByToken Access = iota // requests with a token or a key of the project
	AccessOpen                  // all requests, also without a token
)

// Compression selects which responses are compressed.
type Compression uint8

// The kinds of compression.
const (
	GzipAccepted Compression = iota // if the request accepts gzip and the body is long enough
	GzipNever
)

// ListOrder is the order of groups, instances and policies.
type ListOrder uint8

// The orders of lists.
const (
	OrderNewestFirst ListOrder = iota // by create_time, as in the only sample with several entries
	OrderOldestFirst
	OrderByID
	OrderUnstable // a random order in every response
)

// Fuzzy is the comparison of a filter by a part of a name.
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
	UnknownGroup2007 UnknownGroup = iota // as observed
	UnknownGroup4005                     // as documented for this call
)

// Missing is the form of a member without a value.
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

// HealthSpelling is the spelling of INITIALIZING in responses.
type HealthSpelling uint8

// The spellings of INITIALIZING.
const (
	HealthMisspelt HealthSpelling = iota // INITAILIZING, as documented
	HealthSpelt                          // INITIALIZING
)

// TriggerSpelling is the spelling of SCHEDULED in responses.
type TriggerSpelling uint8

// The spellings of SCHEDULED.
const (
	TriggerSchedule     TriggerSpelling = iota // SCHEDULE, as most documents
	TriggerAsInRequests                        // SCHEDULED
)

// PausedDetail selects whether a group in ERROR that is paused retains its detail.
type PausedDetail uint8

// The choices for a paused group.
const (
	DetailCleared  PausedDetail = iota // sent in ERROR only
	DetailRetained                     // sent in ERROR and PAUSED
)
