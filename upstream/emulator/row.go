package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Row is one entry of a log. Its slices and maps belong to the emulator once inserted: nobody may change them.
type Row struct {
	ID          string // empty: one is made
	Status      string // SUCCESS, FAIL, DOING, or what a test wants to see passed on
	Type        string // either spelling of the MANNUAL types; others are passed on as they are
	Description string // empty: no member
	Start       time.Time
	End         time.Time // zero: has not ended; ignored while Status is DOING

	InstanceValue, DesireValue, ScalingValue int

	Added, Removed, Deleted, Failed, Standby []Instance
	Bound, BindFailed, Unbound, UnbindFailed []LoadBalancer

	// Extra replaces members of the JSON object by name, and adds those that the documents do not know. A nil value leaves the member out.
	Extra map[string]json.RawMessage
}

// Instance is one scaling_instance. Empty fields are absent from the answer.
type Instance struct {
	ID            string `json:"instance_id,omitempty"`
	Name          string `json:"instance_name,omitempty"`
	FailedReason  string `json:"failed_reason,omitempty"`
	FailedDetails string `json:"failed_details,omitempty"`
	Config        string `json:"instance_config,omitempty"`
}

// LoadBalancer is one modify_lb. Empty fields are absent from the answer.
type LoadBalancer struct {
	Enhanced      *Listener `json:"lbaas_listener,omitempty"`
	Classic       string    `json:"listener,omitempty"`
	FailedReason  string    `json:"failed_reason,omitempty"`
	FailedDetails string    `json:"failed_details,omitempty"`
}

// Listener is one lbaas_listener. All of its members are always there.
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

// The documented types, in the spelling of the document.
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

// Types returns the documented types in the order of the document.
func Types() []string {
	return []string{
		Normal, ManualRemove, ManualDelete, ManualAdd, ELBCheckDelete,
		AuditCheckDelete, Diff, ModifyELB, EnterStandby, ExitStandby,
	}
}

// Statuses returns the documented statuses.
func Statuses() []string { return []string{Success, Fail, Doing} }

// ID returns the log id number n: well formed, the same every time, ascending with n.
func ID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// normal returns r as the record keeps it: the document's spelling, UTC, no end while it runs.
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
