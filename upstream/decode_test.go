package upstream

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func decode(t *testing.T, body string) (page, error) {
	t.Helper()
	return decodePage(body, ListQuery{Group: testGroup, Limit: 20, Sections: AllSections})
}

// pageOf returns a response with one row of these members, which may override its id and start time.
func pageOf(members string) string {
	return `{"total_number":1,"scaling_activity_log":[{"id":"a","start_time":"2018-11-22T13:44:22Z"` + members + `}]}`
}

func row(t *testing.T, members string) *Activity {
	t.Helper()
	p, err := decode(t, pageOf(members))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.rows) != 1 || p.rows[0] == nil {
		t.Fatalf("%s cost the row", members)
	}
	return p.rows[0]
}

// same compares the values that pointers refer to.
func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		g, _ := json.MarshalIndent(got, "", " ")
		w, _ := json.MarshalIndent(want, "", " ")
		t.Errorf("got %s\nwant %s", g, w)
	}
}

func TestDecodeSample(t *testing.T) {
	p, err := decode(t, sample(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range p.rows {
		if int(row.RetainedBytes) < len(row.LogID)+len(row.RawType) {
			t.Errorf("%s holds %d bytes of text, less than its id and type have", row.LogID, row.RetainedBytes)
		}
		row.RetainedBytes = 0
	}
	second := func(m, s int) time.Time { return time.Date(2018, 11, 22, 13, m, s, 0, time.UTC) }
	same(t, p, page{total: 2, rows: []*Activity{
		{
			Group: testGroup, LogID: "8753a18c-931d-4cb8-8d49-6c99396af348",
			Type: TypeModifyELB, RawType: "MODIFY_ELB", Status: StatusSuccess, RawStatus: "SUCCESS",
			StartTime: second(46, 20), EndTime: second(47, 38),
			InstanceValue: ptr(int32(0)), DesireValue: ptr(int32(0)), ScalingValue: ptr(int32(0)),
			ListLengths: ListLengths{Bound: 1},
			Details: Details{Sections: AllSections, Bound: []*LoadBalancerChange{{LbaasListener: &LbaasListener{
				PoolID: ptr("0f0a9dd8-2e1d-4432-8ca2-49adc75aa662"), ProtocolPort: ptr(int32(82)), Weight: ptr(int32(1)),
			}}}},
		},
		{
			Group: testGroup, LogID: "44152cf2-a005-4507-b6e9-66a2a64eff52",
			Type: TypeNormal, RawType: "NORMAL", Status: StatusSuccess, RawStatus: "SUCCESS",
			StartTime: second(44, 22), EndTime: second(46, 2),
			InstanceValue: ptr(int32(0)), DesireValue: ptr(int32(1)), ScalingValue: ptr(int32(1)),
			Description: ptr(`{"reason":[{"change_reason":"MANNUAL","old_value":0,"change_time":"2018-11-22T13:44:19Z","new_value":1}]}`),
			ListLengths: ListLengths{Added: 1},
			Details: Details{Sections: AllSections, Added: []*Instance{{
				ID: ptr("8e273bac-d303-46dc-9883-628be2294bdf"), Name: ptr("as-config-t66a_9W8L9SSK"),
			}}},
		},
	}})
	a := p.rows[1]
	if a.Outcome() != OutcomeSucceeded || a.Direction() != DirectionOut || *a.DurationSeconds() != 100 || len(a.Reasons()) != 1 {
		t.Errorf("derived: %s, %s, %d s, %v", a.Outcome(), a.Direction(), *a.DurationSeconds(), a.Reasons())
	}
}

func TestDecodeEnvelopeIsStrict(t *testing.T) {
	for name, body := range map[string]string{
		"empty":              ``,
		"HTML":               html,
		"null":               `null`,
		"text":               `"total_number"`,
		"number":             `7`,
		"list":               `[{"total_number":0,"scaling_activity_log":[]}]`,
		"cut off":            emptyPage[:len(emptyPage)-1],
		"garbage behind":     emptyPage + `x`,
		"twice":              emptyPage + emptyPage,
		"no total":           `{"scaling_activity_log":[]}`,
		"total null":         `{"total_number":null,"scaling_activity_log":[]}`,
		"total negative":     `{"total_number":-1,"scaling_activity_log":[]}`,
		"total broken":       `{"total_number":1.5,"scaling_activity_log":[]}`,
		"total beyond 32 b":  `{"total_number":2147483648,"scaling_activity_log":[]}`,
		"total a list":       `{"total_number":[1],"scaling_activity_log":[]}`,
		"rows a number":      `{"total_number":0,"scaling_activity_log":0}`,
		"rows an object":     `{"total_number":0,"scaling_activity_log":{}}`,
		"rows a text":        `{"total_number":0,"scaling_activity_log":""}`,
		"more rows than 20":  `{"total_number":21,"scaling_activity_log":[` + strings.Repeat(`{},`, 20) + `{}]}`,
		"other letters":      `{"TOTAL_NUMBER":0,"scaling_activity_log":[]}`,
		"far too deep":       `{"total_number":0,"scaling_activity_log":[],"x":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `}`,
		"an error, actually": `{"error_code":"APIG.0201","error_msg":"x","request_id":"r"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := decode(t, body); err == nil {
				t.Errorf("read as %+v", p)
			}
		})
	}
}

func TestDecodeRowsIsLenient(t *testing.T) {
	for name, tc := range map[string]struct {
		body        string
		total, rows int
	}{
		"rows missing":        {`{"total_number":3}`, 3, 0},
		"rows null":           {`{"total_number":3,"scaling_activity_log":null}`, 3, 0},
		"total as text":       {`{"total_number":"3","scaling_activity_log":[]}`, 3, 0},
		"white space":         {"\n\t" + emptyPage + "\r\n ", 0, 0},
		"unknown members":     {`{"next":{"total_number":9},"total_number":3,"scaling_activity_log":[],"x":[{"total_number":9}]}`, 3, 0},
		"keys escaped":        {`{"total\u005fnumber":3,"scaling_activity_log":[]}`, 3, 0},
		"the last key counts": {`{"total_number":3,"scaling_activity_log":[{}],"total_number":4,"scaling_activity_log":[]}`, 4, 0},
		"joined meanwhile":    {strings.Replace(pageOf(""), `"total_number":1`, `"total_number":0`, 1), 1, 1},
		"invalid text":        {pageOf(",\"description\":\"a\xffb\""), 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := decode(t, tc.body)
			if err != nil || p.total != tc.total || len(p.rows) != tc.rows {
				t.Errorf("got %+v, %v", p, err)
			}
		})
	}
}

func TestRowsWithoutIDRetainTheirOffset(t *testing.T) {
	const good = `{"id":"a","start_time":"2018-11-22T13:44:22Z"}`
	for _, bad := range []string{
		`{}`, `null`, `7`, `"a"`, `[]`,
		`{"start_time":"2018-11-22T13:44:22Z"}`,
		`{"id":null,"start_time":"2018-11-22T13:44:22Z"}`,
		`{"id":"","start_time":"2018-11-22T13:44:22Z"}`,
		`{"id":{},"start_time":"2018-11-22T13:44:22Z"}`,
		`{"id":"a"}`, `{"id":"a","start_time":null}`, `{"id":"a","start_time":""}`, `{"id":"a","start_time":"soon"}`,
		`{"id":"a","start_time":1542894262}`, `{"id":"a","start_time":"2018-11-22"}`, `{"id":"a","start_time":"0001-01-01T00:00:00Z"}`,
	} {
		p, err := decode(t, `{"total_number":3,"scaling_activity_log":[`+good+`,`+bad+`,`+good+`]}`)
		if err != nil || len(p.rows) != 3 || p.rows[0] == nil || p.rows[1] != nil || p.rows[2] == nil || p.skipped != 1 {
			t.Errorf("%s: got %+v, %v", bad, p, err)
		}
	}
}

func TestNumbersOfARow(t *testing.T) {
	for sent, want := range map[string]*int32{
		`0`: ptr(int32(0)), `1`: ptr(int32(1)), `-1`: ptr(int32(-1)), `1.0`: ptr(int32(1)), `1e2`: ptr(int32(100)),
		`"0"`: ptr(int32(0)), `"12"`: ptr(int32(12)), `" 3 "`: ptr(int32(3)), `"-2"`: ptr(int32(-2)),
		`2147483647`: ptr(int32(1<<31 - 1)), `-2147483648`: ptr(int32(-1 << 31)),
		`2147483648`: nil, `-2147483649`: nil, `1.5`: nil, `1e999`: nil, `""`: nil, `"many"`: nil, `"NaN"`: nil, `"Inf"`: nil,
		`null`: nil, `true`: nil, `[1]`: nil, `{"x":1}`: nil,
	} {
		a := row(t, fmt.Sprintf(`,"scaling_value":%s,"instance_value":%[1]s,"desire_value":%[1]s`, sent))
		for _, got := range []*int32{a.ScalingValue, a.InstanceValue, a.DesireValue} {
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %s, want %s", sent, show(got), show(want))
			}
		}
	}
}

func TestTimesOfARow(t *testing.T) {
	at := time.Date(2018, 11, 22, 13, 47, 38, 0, time.UTC)
	for sent, want := range map[string]time.Time{
		`"2018-11-22T13:47:38Z"`:      at,
		`"2018-11-22T13:47:38.120Z"`:  at.Add(120 * time.Millisecond),
		`"2018-11-22T15:47:38+02:00"`: at,
		`"2018-11-22T13:47:38"`:       at,
		`null`:                        {},
		`""`:                          {},
		`"0001-01-01T00:00:00Z"`:      {},
		`"yesterday"`:                 {},
		`1542894458`:                  {},
		`{}`:                          {},
	} {
		a := row(t, `,"end_time":`+sent)
		if !a.EndTime.Equal(want) || a.EndTime.Location() != time.UTC || (a.Ended() == nil) != want.IsZero() {
			t.Errorf("end %s: got %v, want %v", sent, a.EndTime, want)
		}
		if want.IsZero() {
			continue
		}
		if a := row(t, `,"start_time":`+sent); !a.StartTime.Equal(want) || a.StartTime.Location() != time.UTC {
			t.Errorf("start %s: got %v, want %v", sent, a.StartTime, want)
		}
	}
	if a := row(t, ``); a.Ended() != nil {
		t.Errorf("without end_time: ended %v", a.EndTime)
	}
	if a := row(t, `,"end_time":"2018-11-22T13:47:38Z","status":"DOING"`); a.Ended() != nil {
		t.Errorf("a running action ended %v", a.EndTime)
	}
}

func TestTypesAndStatusesOfARow(t *testing.T) {
	types := map[string]Type{
		"MANNUAL_REMOVE": TypeManualRemove, "MANNUAL_DELETE": TypeManualDelete, "MANNUAL_ADD": TypeManualAdd,
		"MANNUAL_OTHER": TypeUnknown, "MANNUAL": TypeUnknown, "UNKNOWN": TypeUnknown, "normal": TypeUnknown, "": TypeUnknown, "NEW_\u00e9": TypeUnknown,
	}
	for _, documented := range Types() {
		types[string(documented)] = documented
	}
	for raw, want := range types {
		if a := row(t, fmt.Sprintf(`,"type":%q`, raw)); a.Type != want || a.RawType != raw {
			t.Errorf("type %q: got %s, %q", raw, a.Type, a.RawType)
		}
	}
	for raw, want := range map[string]Status{
		"SUCCESS": StatusSuccess, "FAIL": StatusFail, "DOING": StatusDoing, "DING": StatusDoing,
		"UNKNOWN": StatusUnknown, "success": StatusUnknown, "": StatusUnknown,
	} {
		if a := row(t, fmt.Sprintf(`,"status":%q`, raw)); a.Status != want || a.RawStatus != raw {
			t.Errorf("status %q: got %s, %q", raw, a.Status, a.RawStatus)
		}
	}
	for _, members := range []string{``, `,"type":null,"status":null`} {
		if a := row(t, members); a.Type != TypeUnknown || a.RawType != "" || a.Status != StatusUnknown || a.RawStatus != "" {
			t.Errorf("%q: got %+v", members, a)
		}
	}
	if a := row(t, `,"type":7,"status":{"a": 1}`); a.RawType != "7" || a.RawStatus != `{"a": 1}` {
		t.Errorf("got %q and %q", a.RawType, a.RawStatus)
	}
}

func TestDescriptionsAreUnchanged(t *testing.T) {
	for sent, want := range map[string]*string{
		`"{\"reason\":[]}"`: ptr(`{"reason":[]}`), `"{'reason':1}"`: ptr(`{'reason':1}`), `""`: ptr(""), `null`: nil,
		`"\u00e9\n\ud83d\ude00"`: ptr("é\n😀"), `"\ud800"`: ptr("\uFFFD"), `{"reason": []}`: ptr(`{"reason": []}`), `7`: ptr("7"),
	} {
		if a := row(t, `,"description":`+sent); !reflect.DeepEqual(a.Description, want) {
			t.Errorf("%s: got %s, want %s", sent, show(a.Description), show(want))
		}
	}
	if a := row(t, ""); a.Description != nil {
		t.Errorf("absent: got %q", *a.Description)
	}
}

func TestInstanceLists(t *testing.T) {
	for name, tc := range map[string]struct {
		sent string
		want []*Instance
	}{
		"null":        {`null`, nil},
		"empty":       {`[]`, nil},
		"full":        {`[{"instance_id":"i","instance_name":"n","instance_config":"c"}]`, []*Instance{{ID: ptr("i"), Name: ptr("n"), Config: ptr("c")}}},
		"nothing":     {`[{}]`, []*Instance{{}}},
		"nulls":       {`[{"instance_id":null,"instance_name":null,"instance_config":null,"failed_reason":null,"failed_details":null}]`, []*Instance{{}}},
		"order":       {`[{"instance_id":"b"},{"instance_id":"a"}]`, []*Instance{{ID: ptr("b")}, {ID: ptr("a")}}},
		"config":      {`[{"instance_config":{"flavor": ["s3"]},"x":1}]`, []*Instance{{Config: ptr(`{"flavor": ["s3"]}`)}}},
		"failed":      {`[{"failed_reason":"r","failed_details":{"code":7}}]`, []*Instance{{Failure: &Failure{ptr("r"), ptr(`{"code":7}`)}}}},
		"reason only": {`[{"failed_reason":"r"}]`, []*Instance{{Failure: &Failure{Reason: ptr("r")}}}},
		"no reason":   {`[{"failed_reason":"","failed_details":""}]`, []*Instance{{}}},
		"V1 names":    {`"a, b,,c"`, []*Instance{{Name: ptr("a")}, {Name: ptr("b")}, {Name: ptr("c")}}},
		"V1 nothing":  {`""`, nil},
		"list of V1":  {`["a"]`, []*Instance{{Name: ptr("a")}}},
		"one alone":   {`{"instance_id":"i"}`, []*Instance{{ID: ptr("i")}}},
		"strange":     {`[null,[],true,{"instance_id":"i"}]`, []*Instance{{ID: ptr("i")}}},
		"no list":     {`true`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := row(t, fmt.Sprintf(`,"instance_added_list":%s,"instance_removed_list":%[1]s,"instance_deleted_list":%[1]s,"instance_standby_list":%[1]s`, tc.sent))
			for _, got := range [][]*Instance{a.Details.Added, a.Details.Removed, a.Details.Deleted, a.Details.Standby} {
				same(t, got, tc.want)
			}
			n := int32(len(tc.want))
			same(t, a.ListLengths, ListLengths{Added: n, Removed: n, Deleted: n, Standby: n})
		})
	}
}

func TestLoadBalancerLists(t *testing.T) {
	for name, tc := range map[string]struct {
		sent string
		want []*LoadBalancerChange
	}{
		"null":  {`null`, nil},
		"empty": {`[]`, nil},
		"enhanced": {`[{"lbaas_listener":{"listener_id":"l","pool_id":"p","protocol_port":82,"weight":"1","protocol_version":"ipv4"}}]`,
			[]*LoadBalancerChange{{LbaasListener: &LbaasListener{ptr("l"), ptr("p"), ptr(int32(82)), ptr(int32(1))}}}},
		"nulls":             {`[{"lbaas_listener":null,"listener":null}]`, []*LoadBalancerChange{{}}},
		"nothing within":    {`[{"lbaas_listener":{}}]`, []*LoadBalancerChange{{LbaasListener: &LbaasListener{}}}},
		"no object":         {`[{"lbaas_listener":"l"}]`, []*LoadBalancerChange{{}}},
		"classic":           {`[{"listener":"l1,l2"}]`, []*LoadBalancerChange{{ClassicListener: ptr("l1,l2")}}},
		"classic an object": {`[{"listener":{"id": "l"}}]`, []*LoadBalancerChange{{ClassicListener: ptr(`{"id": "l"}`)}}},
		"failed": {`[{"listener":"l","failed_reason":"r","failed_details":"d"}]`,
			[]*LoadBalancerChange{{ClassicListener: ptr("l"), Failure: &Failure{ptr("r"), ptr("d")}}}},
		"names": {`"a,b"`, []*LoadBalancerChange{{ClassicListener: ptr("a")}, {ClassicListener: ptr("b")}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := row(t, fmt.Sprintf(`,"lb_bind_success_list":%s,"lb_unbind_success_list":%[1]s`, tc.sent))
			same(t, a.Details.Bound, tc.want)
			same(t, a.Details.Unbound, tc.want)
			n := int32(len(tc.want))
			same(t, a.ListLengths, ListLengths{Bound: n, Unbound: n})
		})
	}
}

func TestEntriesOfFailedListsHaveFailures(t *testing.T) {
	a := row(t, `,"instance_failed_list":[{"instance_name":"n"},{"failed_reason":"r","failed_details":null},"V1"],
		"lb_bind_failed_list":[{"listener":"l"}],"lb_unbind_failed_list":[{"listener":"l","failed_details":"d"}]`)
	same(t, a.Details.Failed, []*Instance{
		{Name: ptr("n"), Failure: &Failure{}}, {Failure: &Failure{Reason: ptr("r")}}, {Name: ptr("V1"), Failure: &Failure{}},
	})
	same(t, a.Details.BindFailed, []*LoadBalancerChange{{ClassicListener: ptr("l"), Failure: &Failure{}}})
	same(t, a.Details.UnbindFailed, []*LoadBalancerChange{{ClassicListener: ptr("l"), Failure: &Failure{Details: ptr("d")}}})
	same(t, a.ListLengths, ListLengths{Failed: 3, BindFailed: 1, UnbindFailed: 1})
}

func TestLastDuplicateMemberWins(t *testing.T) {
	a := row(t, `,"id":"b","instance_added_list":[{"instance_id":"x","instance_name":"n"},{}],"instance_added_list":[{"instance_id":"y"}]`)
	same(t, a.LogID, "b")
	same(t, a.Details.Added, []*Instance{{ID: ptr("y")}})
	same(t, a.ListLengths.Added, int32(1))
}

func TestDecodeIgnoresByteOrderMark(t *testing.T) {
	if _, err := decodePage("\ufeff"+emptyPage, ListQuery{Group: testGroup, Limit: 20}); err != nil {
		t.Error(err)
	}
}
