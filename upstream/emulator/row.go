package emulator

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Row is one entry of a log. Callers must not change its slices and maps after inserting it.
type Row struct {
	ID          string // empty: derived
	Status      string // SUCCESS, FAIL, DOING, or any other text
	Type        string // the MANNUAL types in either spelling, or any other text
	Description string // empty: no member
	Start       time.Time
	End         time.Time // zero: in progress; ignored if Status is DOING

	InstanceValue, DesireValue, ScalingValue int

	Added, Removed, Deleted, Failed, Standby []Instance
	Bound, BindFailed, Unbound, UnbindFailed []LoadBalancer

	// Extra replaces members of the JSON object by name, or adds undocumented ones. A nil value removes the member.
	Extra map[string]json.RawMessage
}

// Instance is one scaling_instance. Empty fields are not sent.
type Instance struct {
	ID            string `json:"instance_id,omitempty"`
	Name          string `json:"instance_name,omitempty"`
	FailedReason  string `json:"failed_reason,omitempty"`
	FailedDetails string `json:"failed_details,omitempty"`
	Config        string `json:"instance_config,omitempty"`
}

// LoadBalancer is one modify_lb. Empty fields are not sent.
type LoadBalancer struct {
	Enhanced      *Listener `json:"lbaas_listener,omitempty"`
	Classic       string    `json:"listener,omitempty"`
	FailedReason  string    `json:"failed_reason,omitempty"`
	FailedDetails string    `json:"failed_details,omitempty"`
}

// Listener is one lbaas_listener. All of its members are sent.
type Listener struct {
	Weight int     `json:"weight"`
	ID     *string `json:"listener_id"` // null in the documented sample
	PoolID string  `json:"pool_id"`
	Port   int     `json:"protocol_port"`
}

// The documented statuses.
const (
	Success = "SUCCESS"
	Fail    = "FAIL"
	Doing   = "DOING"
)

// The documented types in their documented spelling.
const (
	Normal           = "NORMAL"
	ManualRemove     = "MANNUAL_REMOVE"
	ManualDelete     = "MANNUAL_DELETE"
	ManualAdd        = "MANNUAL_ADD"
	ELBCheckDelete   = "ELB_CHECK_DELETE"
	AuditCheckDelete = "AUDIT_CHECK_DELETE"
	Diff             = "DIFF"
	ModifyELB        = "MODIFY_ELB"
	EnterStandby     = "ENTER_STANDBY"
	ExitStandby      = "EXIT_STANDBY"
)

// Types returns the documented types in the order of the documents.
func Types() []string {
	return []string{
		Normal, ManualRemove, ManualDelete, ManualAdd, ELBCheckDelete,
		AuditCheckDelete, Diff, ModifyELB, EnterStandby, ExitStandby,
	}
}

// Statuses returns the documented statuses.
func Statuses() []string { return []string{Success, Fail, Doing} }

// ID returns a valid log id that is derived from n. The ids ascend with n.
func ID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// normal returns r as it is stored: types in the documented spelling, times in UTC, no end if it is in progress.
func normal(r Row) Row {
	r.Type = twoN(r.Type)
	r.Start, r.End = r.Start.UTC(), r.End.UTC()
	if r.Status == Doing {
		r.End = time.Time{}
	}
	return r
}

func twoN(kind string) string {
	if rest, ok := strings.CutPrefix(kind, "MANUAL_"); ok {
		return "MANNUAL_" + rest
	}
	return kind
}

func oneN(kind string) string {
	if rest, ok := strings.CutPrefix(kind, "MANNUAL_"); ok {
		return "MANUAL_" + rest
	}
	return kind
}

// Reason is one entry of a description, its members in the order of the sample.
type Reason struct {
	ChangeReason string `json:"change_reason"`
	OldValue     int    `json:"old_value"`
	ChangeTime   string `json:"change_time"`
	NewValue     int    `json:"new_value"`
	PolicyID     string `json:"scaling_policy_id,omitempty"`
	PolicyName   string `json:"scaling_policy_name,omitempty"`
}

type description struct {
	Reason []Reason `json:"reason"`
}

// Describe returns the description of an activity with these reasons, as JSON.
func Describe(reasons ...Reason) string { return string(marshal(description{reasons})) }

// ParseDescription returns the reasons in a description; nil if it has another form.
func ParseDescription(text string) []Reason {
	var d description
	if json.Unmarshal([]byte(text), &d) != nil {
		return nil
	}
	return d.Reason
}

//go:embed sample-response.json
var sampleResponse []byte

// sampleRow is a row in the JSON of the sample.
type sampleRow struct {
	ID            string         `json:"id"`
	InstanceValue int            `json:"instance_value"`
	DesireValue   int            `json:"desire_value"`
	ScalingValue  int            `json:"scaling_value"`
	Start         time.Time      `json:"start_time"`
	End           time.Time      `json:"end_time"`
	Added         []Instance     `json:"instance_added_list"`
	Deleted       []Instance     `json:"instance_deleted_list"`
	Removed       []Instance     `json:"instance_removed_list"`
	Failed        []Instance     `json:"instance_failed_list"`
	Status        string         `json:"status"`
	Bound         []LoadBalancer `json:"lb_bind_success_list"`
	BindFailed    []LoadBalancer `json:"lb_bind_failed_list"`
	Unbound       []LoadBalancer `json:"lb_unbind_success_list"`
	UnbindFailed  []LoadBalancer `json:"lb_unbind_failed_list"`
	Description   string         `json:"description"`
	Type          string         `json:"type"`
}

// Sample returns the rows of the sample response in the documents, newest first.
func Sample() []Row {
	var response struct {
		Rows []sampleRow `json:"scaling_activity_log"`
	}
	if err := json.Unmarshal(sampleResponse, &response); err != nil {
		panic(fmt.Sprintf("emulator: the embedded sample cannot be read: %v", err)) // the file is embedded
	}
	rows := make([]Row, len(response.Rows))
	for i, r := range response.Rows {
		rows[i] = r.row()
	}
	return rows
}

func (r sampleRow) row() Row {
	return Row{
		ID: r.ID, Status: r.Status, Type: r.Type, Description: r.Description, Start: r.Start, End: r.End,
		InstanceValue: r.InstanceValue, DesireValue: r.DesireValue, ScalingValue: r.ScalingValue,
		Added: r.Added, Deleted: r.Deleted, Removed: r.Removed, Failed: r.Failed,
		Bound: r.Bound, BindFailed: r.BindFailed, Unbound: r.Unbound, UnbindFailed: r.UnbindFailed,
	}
}
