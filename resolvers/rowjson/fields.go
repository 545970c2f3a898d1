package rowjson

import (
	"strconv"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/resolvers/globalid"
	"scalegraph/resolvers/selection"
	"scalegraph/upstream"
)

// The types whose fields can be encoded without gqlgen. A field that is missing here, such as the activities of a group, leaves the connection to
// gqlgen.
var (
	connectionType = &objectType[model.ScalingActivityConnection]{
		names: selection.ConnectionTypes,
		scalars: map[string]scalarWriter[model.ScalingActivityConnection]{
			"totalCount": func(b []byte, c *model.ScalingActivityConnection) []byte { return appendInt(b, &c.TotalCount) },
			"asOf":       func(b []byte, c *model.ScalingActivityConnection) []byte { return scalar.AppendDateTime(b, c.AsOf) },
			"stale":      func(b []byte, c *model.ScalingActivityConnection) []byte { return strconv.AppendBool(b, c.Stale) },
		},
		objects: map[string]fieldCompiler[model.ScalingActivityConnection]{
			"edges":             valuesField(edgeType, func(c *model.ScalingActivityConnection) []model.ScalingActivityEdge { return c.Edges }),
			"nodes":             valuesField(activityType, func(c *model.ScalingActivityConnection) []model.ScalingActivity { return c.Nodes }),
			"pageInfo":          objectField(pageInfoType, func(c *model.ScalingActivityConnection) *model.PageInfo { return &c.PageInfo }),
			"unavailableGroups": valuesField(unavailableType, func(c *model.ScalingActivityConnection) []model.UnavailableGroup { return c.UnavailableGroups }),
		},
	}

	pageInfoType = &objectType[model.PageInfo]{
		names: []string{"PageInfo"},
		scalars: map[string]scalarWriter[model.PageInfo]{
			"hasNextPage":     func(b []byte, p *model.PageInfo) []byte { return strconv.AppendBool(b, p.HasNextPage) },
			"hasPreviousPage": func(b []byte, p *model.PageInfo) []byte { return strconv.AppendBool(b, p.HasPreviousPage) },
			"startCursor":     func(b []byte, p *model.PageInfo) []byte { return appendOptionalString(b, p.StartCursor) },
			"endCursor":       func(b []byte, p *model.PageInfo) []byte { return appendOptionalString(b, p.EndCursor) },
		},
	}

	unavailableType = &objectType[model.UnavailableGroup]{
		names: []string{"UnavailableGroup"},
		scalars: map[string]scalarWriter[model.UnavailableGroup]{
			"code":      func(b []byte, u *model.UnavailableGroup) []byte { return appendString(b, u.Code) },
			"message":   func(b []byte, u *model.UnavailableGroup) []byte { return appendString(b, u.Message) },
			"retryable": func(b []byte, u *model.UnavailableGroup) []byte { return strconv.AppendBool(b, u.Retryable) },
		},
		objects: map[string]fieldCompiler[model.UnavailableGroup]{
			"group": objectField(groupType, func(u *model.UnavailableGroup) *upstream.Group { return &u.Group }),
		},
	}

	edgeType = &objectType[model.ScalingActivityEdge]{
		names: selection.EdgeTypes,
		scalars: map[string]scalarWriter[model.ScalingActivityEdge]{
			"cursor": func(b []byte, e *model.ScalingActivityEdge) []byte { return appendString(b, e.Cursor) },
		},
		objects: map[string]fieldCompiler[model.ScalingActivityEdge]{
			"node": objectField(activityType, func(e *model.ScalingActivityEdge) *model.ScalingActivity { return e.Node }),
		},
	}

	activityType = &objectType[model.ScalingActivity]{
		names: selection.ActivityTypes,
		scalars: map[string]scalarWriter[model.ScalingActivity]{
			"id":              func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, a.ID) },
			"logId":           func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, a.LogID) },
			"type":            func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, string(a.Type)) },
			"rawType":         func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, a.RawType) },
			"status":          func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, string(a.Status)) },
			"rawStatus":       func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, a.RawStatus) },
			"outcome":         func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, string(a.Outcome())) },
			"direction":       func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, string(a.Direction())) },
			"startTime":       func(b []byte, a *model.ScalingActivity) []byte { return scalar.AppendDateTime(b, a.StartTime) },
			"endTime":         func(b []byte, a *model.ScalingActivity) []byte { return appendTime(b, a.Ended()) },
			"durationSeconds": func(b []byte, a *model.ScalingActivity) []byte { return appendInt(b, a.DurationSeconds()) },
			"instanceValue":   func(b []byte, a *model.ScalingActivity) []byte { return appendInt(b, a.InstanceValue) },
			"desireValue":     func(b []byte, a *model.ScalingActivity) []byte { return appendInt(b, a.DesireValue) },
			"scalingValue":    func(b []byte, a *model.ScalingActivity) []byte { return appendInt(b, a.ScalingValue) },
			"description":     func(b []byte, a *model.ScalingActivity) []byte { return appendOptionalString(b, a.Description) },
		},
		objects: map[string]fieldCompiler[model.ScalingActivity]{
			"group":                     objectField(groupType, func(a *model.ScalingActivity) *upstream.Group { return &a.Group }),
			"reasons":                   valuesField(reasonType, (*model.ScalingActivity).Reasons),
			"addedInstances":            listField(instanceType, func(d *upstream.Details) []*upstream.Instance { return d.Added }),
			"removedInstances":          listField(instanceType, func(d *upstream.Details) []*upstream.Instance { return d.Removed }),
			"deletedInstances":          listField(instanceType, func(d *upstream.Details) []*upstream.Instance { return d.Deleted }),
			"failedInstances":           listField(instanceType, func(d *upstream.Details) []*upstream.Instance { return d.Failed }),
			"standbyInstances":          listField(instanceType, func(d *upstream.Details) []*upstream.Instance { return d.Standby }),
			"boundLoadBalancers":        listField(changeType, func(d *upstream.Details) []*upstream.LoadBalancerChange { return d.Bound }),
			"bindFailedLoadBalancers":   listField(changeType, func(d *upstream.Details) []*upstream.LoadBalancerChange { return d.BindFailed }),
			"unboundLoadBalancers":      listField(changeType, func(d *upstream.Details) []*upstream.LoadBalancerChange { return d.Unbound }),
			"unbindFailedLoadBalancers": listField(changeType, func(d *upstream.Details) []*upstream.LoadBalancerChange { return d.UnbindFailed }),
			"failureReasons":            textsField((*upstream.Details).FailureReasons),
		},
	}

	groupType = &objectType[upstream.Group]{
		names: []string{"ScalingGroup", "Node"},
		scalars: map[string]scalarWriter[upstream.Group]{
			"id":        func(b []byte, g *upstream.Group) []byte { return appendString(b, globalid.Object{Group: *g}.ID()) },
			"groupId":   func(b []byte, g *upstream.Group) []byte { return appendString(b, g.ID) },
			"projectId": func(b []byte, g *upstream.Group) []byte { return appendString(b, g.Project) },
			"region":    func(b []byte, g *upstream.Group) []byte { return appendString(b, g.Region) },
		},
	}

	reasonType = &objectType[upstream.Reason]{
		names: []string{"ScalingReason"},
		scalars: map[string]scalarWriter[upstream.Reason]{
			"changeReason":      func(b []byte, r *upstream.Reason) []byte { return appendString(b, r.ChangeReason) },
			"oldValue":          func(b []byte, r *upstream.Reason) []byte { return appendInt(b, r.OldValue) },
			"newValue":          func(b []byte, r *upstream.Reason) []byte { return appendInt(b, r.NewValue) },
			"changeTime":        func(b []byte, r *upstream.Reason) []byte { return appendTime(b, r.ChangeTime) },
			"scalingPolicyId":   func(b []byte, r *upstream.Reason) []byte { return appendOptionalString(b, r.ScalingPolicyID) },
			"scalingPolicyName": func(b []byte, r *upstream.Reason) []byte { return appendOptionalString(b, r.ScalingPolicyName) },
		},
	}

	instanceType = &objectType[upstream.Instance]{
		names: []string{"ScalingInstance"},
		scalars: map[string]scalarWriter[upstream.Instance]{
			"instanceId":     func(b []byte, i *upstream.Instance) []byte { return appendOptionalString(b, i.ID) },
			"instanceName":   func(b []byte, i *upstream.Instance) []byte { return appendOptionalString(b, i.Name) },
			"instanceConfig": func(b []byte, i *upstream.Instance) []byte { return appendOptionalString(b, i.Config) },
		},
		objects: map[string]fieldCompiler[upstream.Instance]{
			"failure": objectField(failureType, func(i *upstream.Instance) *upstream.Failure { return i.Failure }),
		},
	}

	changeType = &objectType[upstream.LoadBalancerChange]{
		names: []string{"LoadBalancerChange"},
		scalars: map[string]scalarWriter[upstream.LoadBalancerChange]{
			"classicListener": func(b []byte, c *upstream.LoadBalancerChange) []byte {
				return appendOptionalString(b, c.ClassicListener)
			},
		},
		objects: map[string]fieldCompiler[upstream.LoadBalancerChange]{
			"lbaasListener": objectField(listenerType, func(c *upstream.LoadBalancerChange) *upstream.LbaasListener { return c.LbaasListener }),
			"failure":       objectField(failureType, func(c *upstream.LoadBalancerChange) *upstream.Failure { return c.Failure }),
		},
	}

	listenerType = &objectType[upstream.LbaasListener]{
		names: []string{"LbaasListener"},
		scalars: map[string]scalarWriter[upstream.LbaasListener]{
			"listenerId":   func(b []byte, l *upstream.LbaasListener) []byte { return appendOptionalString(b, l.ListenerID) },
			"poolId":       func(b []byte, l *upstream.LbaasListener) []byte { return appendOptionalString(b, l.PoolID) },
			"protocolPort": func(b []byte, l *upstream.LbaasListener) []byte { return appendInt(b, l.ProtocolPort) },
			"weight":       func(b []byte, l *upstream.LbaasListener) []byte { return appendInt(b, l.Weight) },
		},
	}

	failureType = &objectType[upstream.Failure]{
		names: []string{"FailureDetail"},
		scalars: map[string]scalarWriter[upstream.Failure]{
			"reason":  func(b []byte, f *upstream.Failure) []byte { return appendOptionalString(b, f.Reason) },
			"details": func(b []byte, f *upstream.Failure) []byte { return appendOptionalString(b, f.Details) },
		},
	}
)
