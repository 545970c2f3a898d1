package upstream

import (
	"context"
	"strings"
	"time"

	"scalegraph/upstream/wirejson"
)

// LifecycleState is the state of an instance in its group.
type LifecycleState string

// The documented states, and UNKNOWN for one that this version does not know.
const (
	LifecycleInService       LifecycleState = "INSERVICE"
	LifecyclePending         LifecycleState = "PENDING"
	LifecyclePendingWait     LifecycleState = "PENDING_WAIT"
	LifecycleRemoving        LifecycleState = "REMOVING"
	LifecycleRemovingWait    LifecycleState = "REMOVING_WAIT"
	LifecycleStandby         LifecycleState = "STANDBY"
	LifecycleEnteringStandby LifecycleState = "ENTERING_STANDBY"
	LifecycleUnknown         LifecycleState = "UNKNOWN"
)

// LifecycleStates returns the documented states, without UNKNOWN.
func LifecycleStates() []LifecycleState {
	return []LifecycleState{
		LifecycleInService, LifecyclePending, LifecyclePendingWait, LifecycleRemoving, LifecycleRemovingWait,
		LifecycleStandby, LifecycleEnteringStandby,
	}
}

// InstanceHealth is the result of the health checks of an instance.
type InstanceHealth string

// The documented results, and UNKNOWN for one that this version does not know.
const (
	HealthInitializing InstanceHealth = "INITIALIZING"
	HealthNormal       InstanceHealth = "NORMAL"
	HealthError        InstanceHealth = "ERROR"
	HealthUnknown      InstanceHealth = "UNKNOWN"
)

// InstanceHealths returns the documented results, without UNKNOWN.
func InstanceHealths() []InstanceHealth {
	return []InstanceHealth{HealthInitializing, HealthNormal, HealthError}
}

// GroupInstance is an instance in a group. A nil field was not sent.
type GroupInstance struct {
	Group                Group
	InstanceID           *string // nil while the instance is being created
	InstanceName         *string
	LifecycleState       LifecycleState
	RawLifecycleState    string // as sent
	Health               InstanceHealth
	RawHealth            string // as sent; one value has two spellings
	ProtectedFromScaleIn *bool
	ConfigurationID      *string // nil if the instance was added by hand
	ConfigurationName    *string // nil if the configuration was deleted; MANNUAL_ADD if the instance was added by hand
	JoinedAt             *time.Time
}

// ListInstances lists the instances of a group. An unknown group is ErrNotFound.
func (c *Client) ListInstances(ctx context.Context, g Group, r Range) (Items[GroupInstance], error) {
	l := lookup{what: "list instances", region: g.Region, version: "v1", project: g.Project, group: g.ID,
		path: []string{"scaling_group_instance", g.ID, "list"}}
	return listItems(ctx, c, l, "scaling_group_instances", r, func(m wirejson.Record) *GroupInstance { return groupInstance(m, g) })
}

// groupInstance never returns nil: an instance has no id while it is being created.
func groupInstance(m wirejson.Record, g Group) *GroupInstance {
	return &GroupInstance{
		Group:                g,
		InstanceID:           m.OptionalID("instance_id"),
		InstanceName:         m.OptionalText("instance_name"),
		LifecycleState:       wirejson.Enum(m.Text("life_cycle_state"), LifecycleStates()),
		RawLifecycleState:    m.Text("life_cycle_state"),
		Health:               instanceHealth(m.Text("health_status")),
		RawHealth:            m.Text("health_status"),
		ProtectedFromScaleIn: m.Bool("protect_from_scaling_down"),
		ConfigurationID:      m.OptionalID("scaling_configuration_id"),
		ConfigurationName:    m.OptionalText("scaling_configuration_name"),
		JoinedAt:             m.Time("create_time"),
	}
}

// instanceHealth accepts both spellings of INITIALIZING. The documented response has INITAILIZING.
func instanceHealth(raw string) InstanceHealth {
	if strings.TrimSpace(raw) == "INITAILIZING" {
		return HealthInitializing
	}
	return wirejson.Enum(raw, InstanceHealths())
}

// Is reports whether an instance of an activity is this one. It compares the ids if both have one, else the names.
func (i *GroupInstance) Is(named *Instance) bool {
	if i.InstanceID != nil && named.ID != nil {
		return *i.InstanceID == *named.ID
	}
	return i.InstanceName != nil && named.Name != nil && *i.InstanceName == *named.Name
}
