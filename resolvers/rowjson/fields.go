package rowjson

import (
	"strconv"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/resolvers/globalid"
	"scalegraph/resolvers/selection"
	"scalegraph/upstream"
	"scalegraph/upstream/fields"
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
		scalars: with(scalarsOf(fields.Activity, func(a *model.ScalingActivity) *upstream.Activity { return a.Activity }), map[string]scalarWriter[model.ScalingActivity]{
			"id":              func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, a.ID) },
			"outcome":         func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, string(a.Outcome())) },
			"direction":       func(b []byte, a *model.ScalingActivity) []byte { return appendString(b, string(a.Direction())) },
			"durationSeconds": func(b []byte, a *model.ScalingActivity) []byte { return appendInt(b, a.DurationSeconds()) },
		}),
		objects: with(with(listsOf(fields.InstanceLists, instanceType), listsOf(fields.LoadBalancerLists, changeType)), map[string]fieldCompiler[model.ScalingActivity]{
			"group":          objectField(groupType, func(a *model.ScalingActivity) *upstream.Group { return &a.Group }),
			"reasons":        valuesField(reasonType, (*model.ScalingActivity).Reasons),
			"failureReasons": textsField((*upstream.Details).FailureReasons),
		}),
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
		names:   []string{"ScalingInstance"},
		scalars: scalarsOf(fields.Instance, itself),
		objects: map[string]fieldCompiler[upstream.Instance]{
			"failure": objectField(failureType, func(i *upstream.Instance) *upstream.Failure { return i.Failure }),
		},
	}

	changeType = &objectType[upstream.LoadBalancerChange]{
		names:   []string{"LoadBalancerChange"},
		scalars: scalarsOf(fields.LoadBalancerChange, itself),
		objects: map[string]fieldCompiler[upstream.LoadBalancerChange]{
			"lbaasListener": objectField(listenerType, func(c *upstream.LoadBalancerChange) *upstream.LbaasListener { return c.LbaasListener }),
			"failure":       objectField(failureType, func(c *upstream.LoadBalancerChange) *upstream.Failure { return c.Failure }),
		},
	}

	listenerType = &objectType[upstream.LbaasListener]{
		names:   []string{"LbaasListener"},
		scalars: scalarsOf(fields.LbaasListener, itself),
	}

	failureType = &objectType[upstream.Failure]{
		names:   []string{"FailureDetail"},
		scalars: scalarsOf(fields.Failure, itself),
	}
)
