package emulator

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
)

//go:embed sample-response.json
var sampleResponse []byte

// sampleRow is an entry of the sample as it stands there.
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

// Sample returns the rows of the documents' sample answer, newest first.
func Sample() []Row {
	var answer struct {
		Rows []sampleRow `json:"scaling_activity_log"`
	}
	if err := json.Unmarshal(sampleResponse, &answer); err != nil {
		panic(fmt.Sprintf("emulator: the embedded sample cannot be read: %v", err)) // the file is part of the program
	}
	rows := make([]Row, len(answer.Rows))
	for i, r := range answer.Rows {
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
