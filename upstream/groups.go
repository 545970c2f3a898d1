package upstream

import (
	"context"
	"time"

	"scalegraph/upstream/wirejson"
)

// GroupStatus is the state of a group.
type GroupStatus string

// The documented states, and UNKNOWN for one that this version does not know.
const (
	GroupInService GroupStatus = "INSERVICE"
	GroupPaused    GroupStatus = "PAUSED"
	GroupError     GroupStatus = "ERROR"
	GroupDeleting  GroupStatus = "DELETING"
	GroupFrozen    GroupStatus = "FREEZED"
	GroupUnknown   GroupStatus = "UNKNOWN"
)

// GroupStatuses returns the documented states, without UNKNOWN.
func GroupStatuses() []GroupStatus {
	return []GroupStatus{GroupInService, GroupPaused, GroupError, GroupDeleting, GroupFrozen}
}

// GroupDetails are the attributes and the current sizes of a group. A nil field was not sent.
type GroupDetails struct {
	Group     Group
	Name      string
	Status    GroupStatus
	RawStatus string // as sent

	CurrentInstances *int32
	DesiredInstances *int32
	MinInstances     *int32
	MaxInstances     *int32
	CooldownSeconds  *int32 // for alarm policies only

	IsScaling              *bool
	CurrentActivityType    *Type   // nil if no action is in progress
	RawCurrentActivityType *string // as sent; nil if no action is in progress
	LastError              *string // reason why the last action failed; nil if it did not fail

	ConfigurationID    *string
	ConfigurationName  *string
	AvailabilityZones  []string
	VpcID              *string
	NetworkIDs         []string
	SecurityGroupIDs   []string
	LoadBalancers      []*LbaasListener
	ClassicListenerIDs []string

	HealthCheckMethod          *string // NOVA_AUDIT, ELB_AUDIT, as sent
	HealthCheckIntervalMinutes *int32  // 0: every 10 seconds
	HealthCheckGraceSeconds    *int32  // for ELB_AUDIT only
	TerminationPolicy          *string
	ZonePolicy                 *string // EQUILIBRIUM_DISTRIBUTE, PICK_FIRST, as sent
	DeletePublicIP             *bool
	DeleteVolume               *bool
	AgencyName                 *string
	EnterpriseProjectID        *string
	Description                *string
	Tags                       []*Tag // nil if this region does not send tags
	CreatedAt                  *time.Time
}

// Tag is one label of a group.
type Tag struct {
	Key   string
	Value string
}

// ListGroups lists the groups of a project that the caller may see. Two callers may get different lists.
func (c *Client) ListGroups(ctx context.Context, p Project, r Range) (Items[GroupDetails], error) {
	l := lookup{what: "list groups", region: p.Region, version: "v1", project: p.ID, path: []string{"scaling_group"}}
	return listItems(ctx, c, l, "scaling_groups", r, func(m wirejson.Record) *GroupDetails {
		return groupDetails(m, Group{Region: p.Region, Project: p.ID, ID: m.ID("scaling_group_id")})
	})
}

// ShowGroup returns the details of one group and when the call was sent. An unknown group is ErrNotFound.
func (c *Client) ShowGroup(ctx context.Context, g Group) (*GroupDetails, time.Time, error) {
	l := lookup{what: "show group", region: g.Region, version: "v1", project: g.Project, group: g.ID, path: []string{"scaling_group", g.ID}}
	return showItem(ctx, c, l, "scaling_group", func(m wirejson.Record) *GroupDetails { return groupDetails(m, g) })
}

// groupDetails returns nil if the group has no id.
func groupDetails(m wirejson.Record, g Group) *GroupDetails {
	if g.ID == "" {
		return nil
	}
	d := &GroupDetails{
		Group:     g,
		Name:      m.Text("scaling_group_name"),
		Status:    wirejson.Enum(m.Text("scaling_group_status"), GroupStatuses()),
		RawStatus: m.Text("scaling_group_status"),

		CurrentInstances: m.Int32("current_instance_number"),
		DesiredInstances: m.Int32("desire_instance_number"),
		MinInstances:     m.Int32("min_instance_number"),
		MaxInstances:     m.Int32("max_instance_number"),
		CooldownSeconds:  m.Int32("cool_down_time"),

		IsScaling: m.Bool("is_scaling"),
		LastError: m.OptionalText("detail"),

		ConfigurationID:    m.OptionalID("scaling_configuration_id"),
		ConfigurationName:  m.OptionalText("scaling_configuration_name"),
		AvailabilityZones:  m.Texts("available_zones"),
		VpcID:              m.OptionalID("vpc_id"),
		NetworkIDs:         m.IDs("networks"),
		SecurityGroupIDs:   m.IDs("security_groups"),
		LoadBalancers:      loadBalancers(m.Objects("lbaas_listeners")),
		ClassicListenerIDs: m.Texts("lb_listener_id"),

		HealthCheckMethod:          m.OptionalText("health_periodic_audit_method"),
		HealthCheckIntervalMinutes: m.Int32("health_periodic_audit_time"),
		HealthCheckGraceSeconds:    m.Int32("health_periodic_audit_grace_period"),
		TerminationPolicy:          m.OptionalText("instance_terminate_policy"),
		ZonePolicy:                 m.OptionalText("multi_az_priority_policy"),
		DeletePublicIP:             m.Bool("delete_publicip"),
		DeleteVolume:               m.Bool("delete_volume"),
		AgencyName:                 m.OptionalText("iam_agency_name"),
		EnterpriseProjectID:        m.OptionalID("enterprise_project_id"),
		Description:                m.OptionalText("description"),
		Tags:                       tags(m),
		CreatedAt:                  m.Time("create_time"),
	}
	if d.IsScaling != nil && *d.IsScaling {
		d.setActivityType(m.OptionalText("activity_type"))
	}
	return d
}

func (d *GroupDetails) setActivityType(raw *string) {
	if raw == nil {
		return
	}
	_, t := readType(*raw)
	d.CurrentActivityType, d.RawCurrentActivityType = &t, raw
}

func loadBalancers(list []wirejson.Record) []*LbaasListener {
	var listeners []*LbaasListener
	for _, m := range list {
		listeners = append(listeners, &LbaasListener{
			ListenerID:   m.OptionalID("listener_id"),
			PoolID:       m.OptionalID("pool_id"),
			ProtocolPort: m.Int32("protocol_port"),
			Weight:       m.Int32("weight"),
		})
	}
	return listeners
}

// tags returns nil if no list was sent, and an empty list if it has no entries.
func tags(m wirejson.Record) []*Tag {
	if !m["tags"].IsArray() {
		return nil
	}
	list := []*Tag{}
	for _, tag := range m.Objects("tags") {
		list = append(list, &Tag{Key: tag.Text("key"), Value: tag.Text("value")})
	}
	return list
}
