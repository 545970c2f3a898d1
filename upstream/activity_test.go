package upstream

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

func TestDurationUsesWholeSeconds(t *testing.T) {
	start := time.Date(2018, 11, 22, 13, 44, 22, 900e6, time.UTC)
	for name, tc := range map[string]struct {
		end  time.Time
		want *int32
	}{
		"running":         {time.Time{}, nil},
		"no time at all":  {start, ptr(int32(0))},
		"over a second":   {start.Add(200 * time.Millisecond), ptr(int32(1))},
		"within a second": {start.Add(99 * time.Millisecond), ptr(int32(0))},
		"100 s":           {start.Add(100 * time.Second), ptr(int32(100))},
		"clocks disagree": {start.Add(-time.Minute), ptr(int32(0))},
		"ages":            {start.AddDate(5000, 0, 0), ptr(int32(1<<31 - 1))},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Activity{StartTime: start, EndTime: tc.end}
			if got := a.DurationSeconds(); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, want %v", show(got), show(tc.want))
			}
		})
	}
}

func show[T any](p *T) string {
	if p == nil {
		return "nil"
	}
	return fmt.Sprint(*p)
}

func TestOutcome(t *testing.T) {
	for _, tc := range []struct {
		status  Status
		lengths ListLengths
		want    Outcome
	}{
		{StatusSuccess, ListLengths{Added: 1, Bound: 1, Unbound: 1}, OutcomeSucceeded},
		{StatusSuccess, ListLengths{Added: 1, Failed: 1}, OutcomePartiallyFailed},
		{StatusSuccess, ListLengths{BindFailed: 1}, OutcomePartiallyFailed},
		{StatusSuccess, ListLengths{UnbindFailed: 1}, OutcomePartiallyFailed},
		{StatusFail, ListLengths{}, OutcomeFailed},
		{StatusFail, ListLengths{Failed: 1, Added: 1}, OutcomeFailed},
		{StatusDoing, ListLengths{Failed: 1}, OutcomeInProgress},
		{StatusUnknown, ListLengths{Failed: 1}, OutcomeUnknown},
	} {
		a := &Activity{Status: tc.status, ListLengths: tc.lengths}
		if got := a.Outcome(); got != tc.want {
			t.Errorf("%s with %+v: got %s, want %s", tc.status, tc.lengths, got, tc.want)
		}
	}
}

func TestDirection(t *testing.T) {
	type counts struct{ have, want *int32 }
	none, grows, shrinks, same := counts{}, counts{ptr(int32(1)), ptr(int32(3))}, counts{ptr(int32(3)), ptr(int32(1))}, counts{ptr(int32(2)), ptr(int32(2))}
	for _, tc := range []struct {
		typ     Type
		counts  counts
		lengths ListLengths
		want    Direction
	}{
		// The type wins over everything else.
		{TypeManualAdd, shrinks, ListLengths{Removed: 1}, DirectionOut},
		{TypeExitStandby, shrinks, ListLengths{}, DirectionOut},
		{TypeManualRemove, grows, ListLengths{Added: 1}, DirectionIn},
		{TypeManualDelete, grows, ListLengths{}, DirectionIn},
		{TypeELBCheckDelete, grows, ListLengths{}, DirectionIn},
		{TypeAuditCheckDelete, grows, ListLengths{}, DirectionIn},
		{TypeEnterStandby, grows, ListLengths{}, DirectionIn},
		{TypeModifyELB, grows, ListLengths{Added: 1}, DirectionNone},
		// Else the counts.
		{TypeNormal, grows, ListLengths{Removed: 1}, DirectionOut},
		{TypeNormal, shrinks, ListLengths{Added: 1}, DirectionIn},
		{TypeDiff, grows, ListLengths{}, DirectionOut},
		{TypeUnknown, shrinks, ListLengths{}, DirectionIn},
		// Else the lists.
		{TypeNormal, same, ListLengths{Added: 1}, DirectionOut},
		{TypeNormal, same, ListLengths{Removed: 1}, DirectionIn},
		{TypeNormal, same, ListLengths{Deleted: 1}, DirectionIn},
		{TypeNormal, none, ListLengths{Added: 2, Deleted: 1}, DirectionOut},
		{TypeNormal, counts{have: ptr(int32(1))}, ListLengths{Added: 1, Removed: 1, Deleted: 1}, DirectionIn},
		{TypeDiff, none, ListLengths{Added: 1, Removed: 1}, DirectionNone},
		{TypeDiff, same, ListLengths{Failed: 1, Standby: 1}, DirectionNone},
		{TypeUnknown, none, ListLengths{}, DirectionNone},
	} {
		a := &Activity{Type: tc.typ, InstanceValue: tc.counts.have, DesireValue: tc.counts.want, ListLengths: tc.lengths}
		if got := a.Direction(); got != tc.want {
			t.Errorf("%+v: got %s", tc, got)
		}
	}
}

func TestReasons(t *testing.T) {
	at := time.Date(2018, 11, 22, 13, 44, 19, 0, time.UTC)
	manual := Reason{ChangeReason: "MANNUAL", OldValue: ptr(int32(0)), NewValue: ptr(int32(1)), ChangeTime: &at}
	const one = `{"change_reason":"MANNUAL","old_value":0,"change_time":"2018-11-22T13:44:19Z","new_value":1}`
	for name, tc := range map[string]struct {
		description string
		want        []Reason
	}{
		"sample":    {`{"reason":[` + one + `]}`, []Reason{manual}},
		"several":   {`{"reason":[` + one + `,{"change_reason":"DIFF"}]}`, []Reason{manual, {ChangeReason: "DIFF"}}},
		"one alone": {`{"reason":` + one + `}`, []Reason{manual}},
		"bare":      {one, []Reason{manual}},
		"bare list": {`[` + one + `]`, []Reason{manual}},
		"values as text": {`{"reason":[{"change_reason":"MANNUAL","old_value":"0","new_value":"1","change_time":"2018-11-22T13:44:19.000Z"}]}`,
			[]Reason{manual}},
		"policy": {`{"reason":[{"change_reason":"RECURRENCE","scaling_policy_id":"p","scaling_policy_name":"n\u00e9"}]}`,
			[]Reason{{ChangeReason: "RECURRENCE", ScalingPolicyID: ptr("p"), ScalingPolicyName: ptr("né")}}},
		"odd values": {`{"reason":[{"change_reason":"DIFF","old_value":1.5,"new_value":"x","change_time":"soon","scaling_policy_id":null}]}`,
			[]Reason{{ChangeReason: "DIFF"}}},
		"strange entries": {`{"reason":[null,7,"x",[],{},{"old_value":1},{"change_reason":""},{"change_reason":"DIFF","more":{}}]}`,
			[]Reason{{ChangeReason: "DIFF"}}},
		"broken":        {`{"reason":[` + one, nil},
		"single quotes": {strings.ReplaceAll(`{"reason":[`+one+`]}`, `"`, `'`), nil},
		"text":          {`"scaled by hand, twice"`, nil},
		"prose":         {`scaled by hand`, nil},
		"reason null":   {`{"reason":null}`, nil},
		"number":        {`7`, nil},
		"null":          {`null`, nil},
		"empty":         {``, nil},
		"very deep":     {strings.Repeat("[", 1<<20), nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Activity{Description: &tc.description}
			if got := a.Reasons(); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
	if got := (&Activity{}).Reasons(); len(got) != 0 {
		t.Errorf("without a description: %+v", got)
	}
}
