package upstream

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"scalegraph/upstream/wirejson"
)

func recordOf(object string) wirejson.Record { return gjson.Parse(object).Map() }

func listExecution(t *testing.T, entry string) *Execution {
	t.Helper()
	items, err := serve(t, says(200, `{"limit":20,"scaling_policy_execute_log":[`+entry+`],"total_number":1,"start_number":0}`)).
		ListExecutions(t.Context(), testPolicy, ExecutionFilter{}, Range{0, 20})
	return one(t, items, err)
}

func TestExecutionsHaveEveryField(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := &Execution{
		Policy: testPolicy, LogID: "e1", Status: ExecutionFail, RawStatus: "FAIL", Trigger: TriggerScheduled, RawTrigger: "SCHEDULE", ExecutedAt: at,
		ResourceType: ptr("SCALING_GROUP"), ResourceID: ptr("g1"), Operation: OperationRemove, RawOperation: "REMOVE",
		OldValue: ptr(int32(1)), DesiredValue: ptr(int32(0)), LimitValue: ptr(int32(0)), FailureReason: ptr("AS.0026: cooling down"),
		Jobs: []*ExecutionJob{
			{Name: "ADJUST_VM_NUMBERS", RecordType: "MEG", RecordTime: &at, Message: ptr("modify desire number of scaling group"), Status: "SUCCESS"},
			{Name: "ADJUST_VM_NUMBERS", RecordType: "API", RecordTime: &at, Request: ptr("q"), Response: ptr("r"), Code: ptr("AS.0026"), Status: "FAIL"},
		},
		Bandwidth: &Bandwidth{ShareType: ptr("WHOLE"), EIPID: ptr("e"), EIPAddress: ptr("1.2.3.4")},
	}
	wantEqual(t, listExecution(t, `{"id":" e1 ","status":"FAIL","failed_reason":"AS.0026: cooling down","execute_type":"SCHEDULE","execute_time":"2026-01-02T03:04:05Z",
		"tenant_id":"p1","scaling_policy_id":"pol1","scaling_resource_type":"SCALING_GROUP","scaling_resource_id":"g1","old_value":"1","desire_value":"0","limit_value":"0",
		"type":"REMOVE","job_records":[
		{"job_name":"ADJUST_VM_NUMBERS","record_type":"MEG","record_time":"2026-01-02T03:04:05Z","message":"modify desire number of scaling group","job_status":"SUCCESS"},
		{"job_name":"ADJUST_VM_NUMBERS","record_type":"API","record_time":"2026-01-02T03:04:05Z","request":"q","response":"r","code":"AS.0026","job_status":"FAIL"}],
		"meta_data":{"metadata_bandwidth_share_type":"WHOLE","metadata_eip_id":"e","metadataeip_address":"1.2.3.4"}}`), want)
	roundTrip(t, want)
	if p := want.Point(); p != (Point{at.Unix(), "e1"}) {
		t.Errorf("point %v", p)
	}
}

func TestExecutionQuirks(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for members, change := range map[string]func(*Execution){
		`"x":1`:                      func(*Execution) {},
		`"execute_type":"SCHEDULED"`: func(e *Execution) { e.Trigger, e.RawTrigger = TriggerScheduled, "SCHEDULED" },
		`"execute_type":"MANNUAL"`:   func(e *Execution) { e.Trigger, e.RawTrigger = TriggerManual, "MANNUAL" },
		`"execute_type":"TELEPATHY"`: func(e *Execution) { e.RawTrigger = "TELEPATHY" },
		`"status":"PONDERING"`:       func(e *Execution) { e.RawStatus = "PONDERING" },
		`"type":"REDUCE"`:            func(e *Execution) { e.Operation, e.RawOperation = OperationRemove, "REDUCE" },
		`"old_value":1,"desire_value":" 2 ","limit_value":""`:  func(e *Execution) { e.OldValue, e.DesiredValue = ptr(int32(1)), ptr(int32(2)) },
		`"old_value":null,"desire_value":"many"`:               func(*Execution) {},
		`"failed_reason":"","meta_data":{},"job_records":null`: func(*Execution) {},
		`"job_records":{"job_name":"a","record_type":"NEW"}`:   func(e *Execution) { e.Jobs = []*ExecutionJob{{Name: "a", RecordType: "NEW"}} },
	} {
		t.Run(members, func(t *testing.T) {
			want := &Execution{Policy: testPolicy, LogID: "e1", Status: ExecutionUnknown, Trigger: TriggerUnknown, Operation: OperationUnknown, ExecutedAt: at}
			change(want)
			wantEqual(t, listExecution(t, `{"id":"e1","execute_time":"2026-01-02T03:04:05Z",`+members+`}`), want)
		})
	}
}

func TestExecutionFilters(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		filter ExecutionFilter
		want   string
	}{
		"none":    {ExecutionFilter{}, "limit=5&start_number=10"},
		"window":  {ExecutionFilter{StartTime: start, EndTime: start.Add(time.Hour)}, "end_time=2026-01-02T04%3A04%3A05Z&limit=5&start_number=10&start_time=2026-01-02T03%3A04%3A05Z"},
		"trigger": {ExecutionFilter{Trigger: TriggerScheduled}, "execute_type=SCHEDULED&limit=5&start_number=10"},
		"log id":  {ExecutionFilter{LogID: "a b"}, "limit=5&log_id=a%20b&start_number=10"},
	} {
		t.Run(name, func(t *testing.T) {
			var query string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				query = r.URL.RawQuery
				fmt.Fprint(w, `{"total_number":0,"scaling_policy_execute_log":[]}`)
			})
			if _, err := c.ListExecutions(t.Context(), testPolicy, tc.filter, Range{10, 5}); err != nil || query != tc.want {
				t.Errorf("%s, %v", query, err)
			}
		})
	}
}

func TestExecutionOutcome(t *testing.T) {
	for want, e := range map[ExecutionOutcome]Execution{
		OutcomeChanged:          {Status: ExecutionSuccess, OldValue: ptr(int32(1)), DesiredValue: ptr(int32(2))},
		OutcomeNoEffect:         {Status: ExecutionSuccess, OldValue: ptr(int32(2)), DesiredValue: ptr(int32(2))},
		OutcomeExecutionFailed:  {Status: ExecutionFail, OldValue: ptr(int32(1)), DesiredValue: ptr(int32(2))},
		OutcomeExecutionRunning: {Status: ExecutionExecuting},
		OutcomeExecutionUnknown: {Status: ExecutionSuccess, OldValue: ptr(int32(2))},
	} {
		if got := e.Outcome(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := (&Execution{Status: ExecutionUnknown}).Outcome(); got != OutcomeExecutionUnknown {
		t.Errorf("an unknown status became %s", got)
	}
}

func TestNotScaledReason(t *testing.T) {
	failed := func(reason string) Execution { return Execution{Status: ExecutionFail, FailureReason: &reason} }
	for code, want := range notScaledByCode {
		e := failed(code + ": a text")
		if got := e.NotScaledReason(); got == nil || *got != want {
			t.Errorf("%s became %s", code, show(got))
		}
	}
	for name, tc := range map[string]struct {
		e    Execution
		want NotScaledReason
	}{
		"unknown code":      {failed("AS.9999: new"), NotScaledUnknown},
		"no code":           {failed("something broke"), NotScaledUnknown},
		"no reason":         {Execution{Status: ExecutionFail}, NotScaledUnknown},
		"code in the text":  {failed("not done (AS.3040)"), NotScaledLimitReached},
		"longer number":     {failed("AS.00501"), NotScaledUnknown},
		"first code counts": {failed("AS.0026 after AS.0050"), NotScaledCooldown},
		"code of a step":    {Execution{Status: ExecutionFail, Jobs: []*ExecutionJob{{}, {Code: ptr("AS.0050")}}}, NotScaledMaxReached},
		"message of a step": {Execution{Status: ExecutionFail, Jobs: []*ExecutionJob{{Message: ptr("AS.8004: frozen")}}}, NotScaledFrozen},
	} {
		if got := tc.e.NotScaledReason(); got == nil || *got != tc.want {
			t.Errorf("%s became %s", name, show(got))
		}
	}
	for _, s := range []ExecutionStatus{ExecutionSuccess, ExecutionExecuting, ExecutionUnknown} {
		reason := "AS.0026"
		if e := (Execution{Status: s, FailureReason: &reason}); e.NotScaledReason() != nil {
			t.Errorf("%s has a reason", s)
		}
	}
}

func TestEveryExecutionEnum(t *testing.T) {
	const base = `{"id":"e","execute_time":"2026-01-02T03:04:05Z",`
	for _, s := range ExecutionStatuses() {
		if e := execution(recordOf(base+`"status":"`+string(s)+`"}`), testPolicy); e.Status != s {
			t.Errorf("%s became %s", s, e.Status)
		}
	}
	for _, v := range Triggers() {
		if e := execution(recordOf(base+`"execute_type":"`+string(v)+`"}`), testPolicy); e.Trigger != v {
			t.Errorf("%s became %s", v, e.Trigger)
		}
	}
}
