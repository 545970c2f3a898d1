package upstream

import (
	"context"
	"strings"
	"time"

	"scalegraph/upstream/wirejson"
)

// PolicyType is the trigger of a policy.
type PolicyType string

// The documented types, and UNKNOWN for one that this version does not know.
const (
	PolicyAlarm       PolicyType = "ALARM"
	PolicyScheduled   PolicyType = "SCHEDULED"
	PolicyRecurrence  PolicyType = "RECURRENCE"
	PolicyTypeUnknown PolicyType = "UNKNOWN"
)

// PolicyTypes returns the documented types, without UNKNOWN.
func PolicyTypes() []PolicyType { return []PolicyType{PolicyAlarm, PolicyScheduled, PolicyRecurrence} }

// PolicyStatus is the state of a policy.
type PolicyStatus string

// The documented states, and UNKNOWN for one that this version does not know.
const (
	PolicyInService     PolicyStatus = "INSERVICE"
	PolicyPaused        PolicyStatus = "PAUSED"
	PolicyExecuting     PolicyStatus = "EXECUTING"
	PolicyStatusUnknown PolicyStatus = "UNKNOWN"
)

// PolicyStatuses returns the documented states, without UNKNOWN.
func PolicyStatuses() []PolicyStatus {
	return []PolicyStatus{PolicyInService, PolicyPaused, PolicyExecuting}
}

// PolicyOperation is the operation of a policy on the desired number of instances.
type PolicyOperation string

// The operations, and UNKNOWN for one that this version does not know.
const (
	OperationAdd     PolicyOperation = "ADD"
	OperationRemove  PolicyOperation = "REMOVE" // REDUCE in V2
	OperationSet     PolicyOperation = "SET"
	OperationUnknown PolicyOperation = "UNKNOWN"
)

// PolicyOperations returns the operations, without UNKNOWN.
func PolicyOperations() []PolicyOperation {
	return []PolicyOperation{OperationAdd, OperationRemove, OperationSet}
}

// ResourceGroup is the resource type of the policies of groups. Other policies, of bandwidths, have no group.
const ResourceGroup = "SCALING_GROUP"

// PolicyRef identifies one policy and its execution log.
type PolicyRef struct {
	Region  string
	Project string
	ID      string
}

// Policy is a rule that changes the desired number of instances of a group. A nil field was not sent.
type Policy struct {
	Ref             PolicyRef
	Group           Group // the ID is empty if the policy is not of a group
	ResourceType    string
	Name            string // not unique
	Type            PolicyType
	RawType         string // as sent
	Status          PolicyStatus
	RawStatus       string // as sent
	AlarmID         *string
	Schedule        *PolicySchedule
	Action          *PolicyAction
	CooldownSeconds *int32
	Description     *string    // V2 only
	Bandwidth       *Bandwidth // V2 only, of policies that are not of a group
	CreatedAt       *time.Time
}

// PolicySchedule is the schedule of a scheduled or recurring policy. All values are as sent.
type PolicySchedule struct {
	LaunchTime      *string // YYYY-MM-DDThh:mmZ, or hh:mm if recurring
	RecurrenceType  *string // Daily, Weekly, Monthly
	RecurrenceValue *string
	StartTime       *string
	EndTime         *string
}

// PolicyAction is the action of a policy.
type PolicyAction struct {
	Operation    PolicyOperation
	RawOperation string // as sent
	Instances    *int32 // V1 instance_number, V2 size
	Percentage   *int32 // V1 instance_percentage, V2 percentage
	Limit        *int32 // V2 limits, of bandwidths
}

// Bandwidth identifies the bandwidth that a policy changes.
type Bandwidth struct {
	ShareType  *string
	EIPID      *string
	EIPAddress *string
}

// ListGroupPolicies lists the policies of a group (V1). An unknown group is ErrNotFound.
func (c *Client) ListGroupPolicies(ctx context.Context, g Group, r Range) (Items[Policy], error) {
	return c.listPolicies(ctx, g, "v1", r)
}

// ListResourcePolicies lists the policies of a group (V2). An unknown group is ErrNotFound.
func (c *Client) ListResourcePolicies(ctx context.Context, g Group, r Range) (Items[Policy], error) {
	return c.listPolicies(ctx, g, "v2", r)
}

func (c *Client) listPolicies(ctx context.Context, g Group, version string, r Range) (Items[Policy], error) {
	l := lookup{what: "list policies", region: g.Region, version: version, project: g.Project, group: g.ID,
		path: []string{"scaling_policy", g.ID, "list"}}
	return listItems(ctx, c, l, "scaling_policies", r, func(m wirejson.Record) *Policy {
		return policy(m, PolicyRef{Region: g.Region, Project: g.Project, ID: m.ID("scaling_policy_id")}, g.ID)
	})
}

// ListProjectPolicies lists the policies of a project (V2) that the caller may see, among them those of bandwidths. Two callers may get
// different lists.
func (c *Client) ListProjectPolicies(ctx context.Context, p Project, r Range) (Items[Policy], error) {
	l := lookup{what: "list policies", region: p.Region, version: "v2", project: p.ID, path: []string{"scaling_policy"}}
	return listItems(ctx, c, l, "scaling_policies", r, func(m wirejson.Record) *Policy {
		return policy(m, PolicyRef{Region: p.Region, Project: p.ID, ID: m.ID("scaling_policy_id")}, "")
	})
}

// ShowPolicy returns one policy (V1) and when the call was sent. An unknown policy is ErrNotFound.
func (c *Client) ShowPolicy(ctx context.Context, ref PolicyRef) (*Policy, time.Time, error) {
	return c.showPolicy(ctx, ref, "v1")
}

// ShowPolicyV2 is ShowPolicy with the additions of V2: the description, and policies of bandwidths.
func (c *Client) ShowPolicyV2(ctx context.Context, ref PolicyRef) (*Policy, time.Time, error) {
	return c.showPolicy(ctx, ref, "v2")
}

func (c *Client) showPolicy(ctx context.Context, ref PolicyRef, version string) (*Policy, time.Time, error) {
	l := lookup{what: "show policy", region: ref.Region, version: version, project: ref.Project, path: []string{"scaling_policy", ref.ID}}
	return showItem(ctx, c, l, "scaling_policy", func(m wirejson.Record) *Policy { return policy(m, ref, "") })
}

// policy returns nil if the policy has no id. group is the group of the call; empty if it has none.
func policy(m wirejson.Record, ref PolicyRef, group string) *Policy {
	if ref.ID == "" {
		return nil
	}
	p := &Policy{
		Ref:             ref,
		ResourceType:    ResourceGroup,
		Name:            m.Text("scaling_policy_name"),
		Type:            policyType(m.Text("scaling_policy_type")),
		RawType:         m.Text("scaling_policy_type"),
		Status:          wirejson.Enum(m.Text("policy_status"), PolicyStatuses()),
		RawStatus:       m.Text("policy_status"),
		AlarmID:         m.OptionalID("alarm_id"),
		Schedule:        schedule(m.Object("scheduled_policy")),
		Action:          action(m.Object("scaling_policy_action")),
		CooldownSeconds: m.Int32("cool_down_time"),
		Description:     m.OptionalText("description"),
		Bandwidth:       bandwidth(m.Object("meta_data")),
		CreatedAt:       m.Time("create_time"),
	}
	if sent := strings.TrimSpace(m.Text("scaling_resource_type")); sent != "" {
		p.ResourceType = sent
	}
	if p.ResourceType == ResourceGroup {
		id := firstNonEmpty(m.ID("scaling_group_id"), firstNonEmpty(m.ID("scaling_resource_id"), group))
		p.Group = Group{Region: ref.Region, Project: ref.Project, ID: id}
	}
	return p
}

// policyType accepts both spellings of SCHEDULED.
func policyType(raw string) PolicyType {
	if strings.TrimSpace(raw) == "SCHEDULE" {
		return PolicyScheduled
	}
	return wirejson.Enum(raw, PolicyTypes())
}

func schedule(m wirejson.Record) *PolicySchedule {
	if len(m) == 0 {
		return nil
	}
	return &PolicySchedule{
		LaunchTime:      m.OptionalText("launch_time"),
		RecurrenceType:  m.OptionalText("recurrence_type"),
		RecurrenceValue: m.OptionalText("recurrence_value"),
		StartTime:       m.OptionalText("start_time"),
		EndTime:         m.OptionalText("end_time"),
	}
}

func action(m wirejson.Record) *PolicyAction {
	if len(m) == 0 {
		return nil
	}
	return &PolicyAction{
		Operation:    operation(m.Text("operation")),
		RawOperation: m.Text("operation"),
		Instances:    m.Int32("instance_number", "size"),
		Percentage:   m.Int32("instance_percentage", "percentage"),
		Limit:        m.Int32("limits"),
	}
}

// operation maps REDUCE of V2 to REMOVE of V1.
func operation(raw string) PolicyOperation {
	if strings.TrimSpace(raw) == "REDUCE" {
		return OperationRemove
	}
	return wirejson.Enum(raw, PolicyOperations())
}

// bandwidth accepts both names of the address: execution logs have it without the underscore.
func bandwidth(m wirejson.Record) *Bandwidth {
	if len(m) == 0 {
		return nil
	}
	b := &Bandwidth{
		ShareType:  m.OptionalText("metadata_bandwidth_share_type"),
		EIPID:      m.OptionalID("metadata_eip_id"),
		EIPAddress: m.OptionalText("metadata_eip_address"),
	}
	if b.EIPAddress == nil {
		b.EIPAddress = m.OptionalText("metadataeip_address")
	}
	return b
}
