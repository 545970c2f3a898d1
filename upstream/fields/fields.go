// Package fields describes the fields of an activity once, for everything that handles all of them alike: the encoding in Redis, the estimate
// of a row's size, the hash of its content, and the encoder of rows in responses. A new field of upstream.Activity is added here.
package fields

import "scalegraph/upstream"

// Field is one field of T.
type Field[T any] struct {
	// Name is the name in GraphQL.
	Name string
	// Ptr returns a pointer to the field: *string, **string, **int32, *time.Time, **upstream.Failure or **upstream.LbaasListener. It does
	// not allocate.
	Ptr func(*T) any
	// Implied is whether the field follows from the others, or is the row's identity: it is not part of its content.
	Implied bool
}

// Activity has the fields of an activity, except for its lists.
var Activity = []Field[upstream.Activity]{
	{Name: "logId", Ptr: func(a *upstream.Activity) any { return &a.LogID }, Implied: true},
	{Name: "type", Ptr: func(a *upstream.Activity) any { return (*string)(&a.Type) }, Implied: true},
	{Name: "rawType", Ptr: func(a *upstream.Activity) any { return &a.RawType }},
	{Name: "status", Ptr: func(a *upstream.Activity) any { return (*string)(&a.Status) }, Implied: true},
	{Name: "rawStatus", Ptr: func(a *upstream.Activity) any { return &a.RawStatus }},
	{Name: "startTime", Ptr: func(a *upstream.Activity) any { return &a.StartTime }},
	{Name: "endTime", Ptr: func(a *upstream.Activity) any { return &a.EndTime }},
	{Name: "instanceValue", Ptr: func(a *upstream.Activity) any { return &a.InstanceValue }},
	{Name: "desireValue", Ptr: func(a *upstream.Activity) any { return &a.DesireValue }},
	{Name: "scalingValue", Ptr: func(a *upstream.Activity) any { return &a.ScalingValue }},
	{Name: "description", Ptr: func(a *upstream.Activity) any { return &a.Description }},
}

// Instance has the fields of an entry of the lists of instances.
var Instance = []Field[upstream.Instance]{
	{Name: "instanceId", Ptr: func(i *upstream.Instance) any { return &i.ID }},
	{Name: "instanceName", Ptr: func(i *upstream.Instance) any { return &i.Name }},
	{Name: "instanceConfig", Ptr: func(i *upstream.Instance) any { return &i.Config }},
	{Name: "failure", Ptr: func(i *upstream.Instance) any { return &i.Failure }},
}

// LoadBalancerChange has the fields of an entry of the lists of load balancers.
var LoadBalancerChange = []Field[upstream.LoadBalancerChange]{
	{Name: "classicListener", Ptr: func(c *upstream.LoadBalancerChange) any { return &c.ClassicListener }},
	{Name: "lbaasListener", Ptr: func(c *upstream.LoadBalancerChange) any { return &c.LbaasListener }},
	{Name: "failure", Ptr: func(c *upstream.LoadBalancerChange) any { return &c.Failure }},
}

// LbaasListener has the fields of an enhanced load balancer's listener.
var LbaasListener = []Field[upstream.LbaasListener]{
	{Name: "listenerId", Ptr: func(l *upstream.LbaasListener) any { return &l.ListenerID }},
	{Name: "poolId", Ptr: func(l *upstream.LbaasListener) any { return &l.PoolID }},
	{Name: "protocolPort", Ptr: func(l *upstream.LbaasListener) any { return &l.ProtocolPort }},
	{Name: "weight", Ptr: func(l *upstream.LbaasListener) any { return &l.Weight }},
}

// Failure has the fields of a failure.
var Failure = []Field[upstream.Failure]{
	{Name: "reason", Ptr: func(f *upstream.Failure) any { return &f.Reason }},
	{Name: "details", Ptr: func(f *upstream.Failure) any { return &f.Details }},
}

// List is one list of an activity.
type List[E any] struct {
	Name    string            // in GraphQL
	Section upstream.Sections // that the list belongs to
	Entries func(*upstream.Details) *[]*E
	Length  func(*upstream.ListLengths) *int32
}

// InstanceLists has the lists of instances.
var InstanceLists = []List[upstream.Instance]{
	{"addedInstances", upstream.SectionInstances, func(d *upstream.Details) *[]*upstream.Instance { return &d.Added }, func(l *upstream.ListLengths) *int32 { return &l.Added }},
	{"removedInstances", upstream.SectionInstances, func(d *upstream.Details) *[]*upstream.Instance { return &d.Removed }, func(l *upstream.ListLengths) *int32 { return &l.Removed }},
	{"deletedInstances", upstream.SectionInstances, func(d *upstream.Details) *[]*upstream.Instance { return &d.Deleted }, func(l *upstream.ListLengths) *int32 { return &l.Deleted }},
	{"failedInstances", upstream.SectionFailures, func(d *upstream.Details) *[]*upstream.Instance { return &d.Failed }, func(l *upstream.ListLengths) *int32 { return &l.Failed }},
	{"standbyInstances", upstream.SectionInstances, func(d *upstream.Details) *[]*upstream.Instance { return &d.Standby }, func(l *upstream.ListLengths) *int32 { return &l.Standby }},
}

// LoadBalancerLists has the lists of load balancers.
var LoadBalancerLists = []List[upstream.LoadBalancerChange]{
	{"boundLoadBalancers", upstream.SectionLoadBalancers, func(d *upstream.Details) *[]*upstream.LoadBalancerChange { return &d.Bound }, func(l *upstream.ListLengths) *int32 { return &l.Bound }},
	{"bindFailedLoadBalancers", upstream.SectionLoadBalancers, func(d *upstream.Details) *[]*upstream.LoadBalancerChange { return &d.BindFailed }, func(l *upstream.ListLengths) *int32 { return &l.BindFailed }},
	{"unboundLoadBalancers", upstream.SectionLoadBalancers, func(d *upstream.Details) *[]*upstream.LoadBalancerChange { return &d.Unbound }, func(l *upstream.ListLengths) *int32 { return &l.Unbound }},
	{"unbindFailedLoadBalancers", upstream.SectionLoadBalancers, func(d *upstream.Details) *[]*upstream.LoadBalancerChange { return &d.UnbindFailed }, func(l *upstream.ListLengths) *int32 { return &l.UnbindFailed }},
}
