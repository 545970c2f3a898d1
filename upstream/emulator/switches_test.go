package emulator_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// TestWindowSwitches reads one log, whose rows 1 to 3 last from 10 to 20, 20 to 30 and 30 to 40 and whose row 4 is in progress since 40, with every value of the switch.
func TestWindowSwitches(t *testing.T) {
	const from, to = "start_time=2026-03-01T12:00:20Z", "end_time=2026-03-01T12:00:30Z"
	pair, starts, ends := emulator.WindowPair, emulator.WindowStart, emulator.WindowEnd
	in, out := emulator.DoingIn, emulator.DoingOut
	inclusive, exclusive, half := emulator.BoundsInclusive, emulator.BoundsExclusive, emulator.BoundsHalfOpen
	for _, c := range []struct {
		name            string
		sw              emulator.Switches
		from, to, bothB []string
	}{
		{"default", emulator.Switches{}, ids(4, 3, 2), ids(2, 1), ids(2)},
		{"pair, running in", emulator.Switches{Window: pair, DoingInWindow: in}, ids(4, 3, 2), ids(4, 2, 1), ids(4, 2)},
		{"pair, exclusive", emulator.Switches{Bounds: exclusive}, ids(4, 3), ids(1), ids()},
		{"pair, half open", emulator.Switches{Bounds: half}, ids(4, 3, 2), ids(1), ids()},
		{"starts", emulator.Switches{Window: starts}, ids(4, 3, 2), ids(3, 2, 1), ids(3, 2)},
		{"starts, running out", emulator.Switches{Window: starts, DoingInWindow: out, Bounds: inclusive}, ids(4, 3, 2), ids(3, 2, 1), ids(3, 2)},
		{"starts, exclusive", emulator.Switches{Window: starts, Bounds: exclusive}, ids(4, 3), ids(2, 1), ids()},
		{"starts, half open", emulator.Switches{Window: starts, Bounds: half}, ids(4, 3, 2), ids(2, 1), ids(2)},
		{"ends", emulator.Switches{Window: ends}, ids(3, 2, 1), ids(2, 1), ids(2, 1)},
		{"ends, running in", emulator.Switches{Window: ends, DoingInWindow: in}, ids(4, 3, 2, 1), ids(4, 2, 1), ids(4, 2, 1)},
		{"ends, exclusive", emulator.Switches{Window: ends, Bounds: exclusive}, ids(3, 2), ids(1), ids()},
		{"ends, half open", emulator.Switches{Window: ends, Bounds: half}, ids(3, 2, 1), ids(1), ids(1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, c.sw)
			for i := range 3 {
				b.Insert(project, group, emulator.Row{ID: emulator.ID(i + 1), Type: emulator.Diff, Status: emulator.Success, Start: at(10 * (i + 1)), End: at(10 * (i + 2))})
			}
			b.Insert(project, group, emulator.Row{ID: emulator.ID(4), Type: emulator.Diff, Status: emulator.Doing, Start: at(40)})
			for query, want := range map[string][]string{from: c.from, to: c.to, from + "&" + to: c.bothB} {
				for _, more := range []string{"", "&type=DIFF", "&type=DIFF,NORMAL"} {
					if a := b.get(query + more); !slices.Equal(a.ids(), want) || a.Total != len(want) {
						t.Errorf("%s: %v, total %d, want %v", query+more, a.ids(), a.Total, want)
					}
				}
			}
		})
	}
}

func TestLimitZeroSwitch(t *testing.T) {
	for _, c := range []struct {
		how                       emulator.LimitZero
		status, rows, limit, code int
	}{
		{emulator.LimitZeroEmpty, 200, 0, 0, 0},
		{emulator.LimitZeroDefault, 200, 20, 20, 0},
		{emulator.LimitZeroRefused, 400, 0, 0, 9004},
	} {
		b := start(t, emulator.Switches{LimitZero: c.how})
		b.seed(30)
		a := b.get("limit=0")
		if a.status != c.status || len(a.Rows) != c.rows || a.Limit != c.limit || c.status == 200 && a.Total != 30 {
			t.Errorf("%d: %d, %d rows, limit %d, total %d", c.how, a.status, len(a.Rows), a.Limit, a.Total)
		}
		if c.code != 0 && a.code() != "AS.9004" {
			t.Errorf("code %v", a.code())
		}
	}
}

func TestTiesSwitch(t *testing.T) {
	for _, c := range []struct {
		ties emulator.Ties
		want []string
	}{
		{emulator.TiesNewestFirst, ids(9, 2, 3, 1, 0)},
		{emulator.TiesOldestFirst, ids(9, 1, 3, 2, 0)},
		{emulator.TiesByID, ids(9, 1, 2, 3, 0)},
	} {
		b := start(t, emulator.Switches{Ties: c.ties})
		for _, n := range []int{0, 9} {
			b.Insert(project, group, emulator.Row{ID: emulator.ID(n), Status: emulator.Success, Start: at(n)})
		}
		for _, n := range []int{1, 3, 2} { // one second, with fractions that do not count
			b.Insert(project, group, emulator.Row{ID: emulator.ID(n), Status: emulator.Success, Start: at(5).Add(time.Duration(n*n) * time.Millisecond)})
		}
		if a := b.get(""); !slices.Equal(a.ids(), c.want) {
			t.Errorf("%d: %v, want %v", c.ties, a.ids(), c.want)
		}
		b.Finish(project, group, emulator.ID(1), emulator.Fail, at(9))
		if a := b.get(""); !slices.Equal(a.ids(), c.want) {
			t.Errorf("%d: a finished row moved: %v", c.ties, a.ids())
		}
	}
}

func TestUnstableTies(t *testing.T) {
	orders := func(seed uint64) []string {
		b := start(t, emulator.Switches{Ties: emulator.TiesUnstable, Seed: seed})
		for n := range 30 {
			b.Insert(project, group, emulator.Row{ID: emulator.ID(n), Status: emulator.Success, Start: at(n / 10)})
		}
		var seen []string
		heads := map[string]bool{}
		for range 20 {
			got := b.get("limit=8&start_number=6").ids()
			for i, id := range got {
				if second := (29 - i - 6) / 10; id < emulator.ID(10*second) || id > emulator.ID(10*second+9) {
					t.Fatalf("row %d of the page is of another second: %s", i, id)
				}
			}
			heads[got[0]] = true
			seen = append(seen, strings.Join(got, " "))
		}
		if len(heads) < 6 { // of the ten of that second, in front of the page or in it
			t.Errorf("only %d rows ever head the page", len(heads))
		}
		return seen
	}
	first := orders(1)
	if distinct := slices.Compact(slices.Sorted(slices.Values(first))); len(distinct) < 15 {
		t.Errorf("only %d orders in 20 answers", len(distinct))
	}
	if !slices.Equal(first, orders(1)) || slices.Equal(first, orders(2)) {
		t.Error("the orders do not follow from the seed")
	}
}

func TestSpellingSwitches(t *testing.T) {
	for _, c := range []struct {
		sw                           emulator.Switches
		shown                        string
		twoN, oneN                   int // status of a filter in that spelling
		insertedAs, filterThatWorked string
	}{
		{emulator.Switches{}, "MANNUAL_ADD", 200, 400, "MANUAL_ADD", "MANNUAL_ADD"},
		{emulator.Switches{Spelling: emulator.SpellManual}, "MANUAL_ADD", 200, 400, "MANNUAL_ADD", "MANNUAL_ADD"},
		{emulator.Switches{Spelling: emulator.SpellManual, FilterSpelling: emulator.FilterManual}, "MANUAL_ADD", 400, 200, "MANNUAL_ADD", "MANUAL_ADD"},
		{emulator.Switches{FilterSpelling: emulator.FilterEither}, "MANNUAL_ADD", 200, 200, "MANUAL_ADD", "MANUAL_ADD"},
	} {
		b := start(t, c.sw)
		b.Insert(project, group, emulator.Row{ID: emulator.ID(1), Type: c.insertedAs, Status: emulator.Success, Start: at(0)})
		two, one := b.get("type=MANNUAL_ADD"), b.get("type=MANUAL_ADD")
		if two.status != c.twoN || one.status != c.oneN {
			t.Errorf("%+v: filters answer %d and %d", c.sw, two.status, one.status)
		}
		if a := b.get("type=NORMAL," + c.filterThatWorked); a.Total != 1 || a.Rows[0]["type"] != c.shown {
			t.Errorf("%+v: %s", c.sw, a.raw)
		}
	}
}

func TestUnknownFilterSwitch(t *testing.T) {
	b := start(t, emulator.Switches{UnknownFilter: emulator.UnknownEmpty})
	b.seed(3)
	for query, total := range map[string]int{"type=SOMETHING": 0, "type=NORMAL,SOMETHING": 3, "status=DONE": 0, "status=DONE&type=NORMAL": 0} {
		if a := b.get(query); a.status != 200 || a.Total != total || len(a.Rows) != total {
			t.Errorf("%s: %d %s", query, a.status, a.raw)
		}
	}
	for query, code := range map[string]string{"type=": "AS.9012", "type=NORMAL,": "AS.9012", "status=": "AS.9013"} {
		if a := b.get(query); a.status != 400 || a.code() != code {
			t.Errorf("%s: %d %s", query, a.status, a.raw)
		}
	}
}

func TestVersionSwitch(t *testing.T) {
	b := start(t, emulator.Switches{Version: emulator.VersionBadRequest})
	if a := b.do("GET", "/autoscaling-api/v9/p1/scaling_activity_log/g1", token); a.status != 400 || a.code() != "AS.0033" {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

// one returns the response for a log of one row with some switches.
func one(t *testing.T, sw emulator.Switches, r emulator.Row) string {
	t.Helper()
	b := start(t, sw)
	r.ID, r.Start = "x", t0
	b.Insert(project, group, r)
	var page struct {
		Rows []json.RawMessage `json:"scaling_activity_log"`
	}
	if err := json.Unmarshal(b.get("").raw, &page); err != nil || len(page.Rows) != 1 {
		t.Fatalf("%v: %s", err, b.get("").raw)
	}
	return string(page.Rows[0])
}

const head = `{"id":"x","instance_value":1,"desire_value":2,"scaling_value":3,"start_time":"2026-03-01T12:00:00Z"`

func TestEncodedRows(t *testing.T) {
	row := func(kind, status string) emulator.Row {
		r := emulator.Row{Type: kind, Status: status, InstanceValue: 1, DesireValue: 2, ScalingValue: 3}
		if status != emulator.Doing {
			r.End = at(1)
		}
		return r
	}
	with := func(r emulator.Row, change func(*emulator.Row)) emulator.Row { change(&r); return r }
	const (
		end       = `,"end_time":"2026-03-01T12:00:01Z"`
		instances = `,"instance_added_list":[],"instance_deleted_list":[],"instance_removed_list":[],"instance_failed_list":[]`
		balancers = `,"lb_bind_success_list":[],"lb_bind_failed_list":[],"lb_unbind_success_list":[],"lb_unbind_failed_list":[]`
		success   = `,"status":"SUCCESS"`
		doing     = `,"status":"DOING"`
	)
	null := func(lists string) string { return strings.ReplaceAll(lists, "[]", "null") }
	listener := "L"
	for _, c := range []struct {
		name string
		sw   emulator.Switches
		row  emulator.Row
		want string
	}{
		{"ordinary", emulator.Switches{}, row(emulator.Normal, emulator.Success), head + end + instances + success + `,"type":"NORMAL"}`},
		{"migration", emulator.Switches{}, row(emulator.ModifyELB, emulator.Success), head + end + success + balancers + `,"type":"MODIFY_ELB"}`},
		{"standby", emulator.Switches{}, row(emulator.EnterStandby, emulator.Success), head + end + instances + `,"instance_standby_list":[]` + success + `,"type":"ENTER_STANDBY"}`},
		{"unknown", emulator.Switches{}, row("NEW_TYPE", "NEW_STATUS"), head + end + instances + `,"status":"NEW_STATUS","type":"NEW_TYPE"}`},
		{"running", emulator.Switches{}, row(emulator.Normal, emulator.Doing), head + instances + doing + `,"type":"NORMAL"}`},
		{"running, null end", emulator.Switches{DoingEnd: emulator.EndNull}, row(emulator.Normal, emulator.Doing), head + `,"end_time":null` + instances + doing + `,"type":"NORMAL"}`},
		{"running, empty end", emulator.Switches{DoingEnd: emulator.EndEmpty}, row(emulator.Normal, emulator.Doing), head + `,"end_time":""` + instances + doing + `,"type":"NORMAL"}`},
		{"an end while running", emulator.Switches{}, with(row(emulator.Normal, emulator.Doing), func(r *emulator.Row) { r.End = at(9) }), head + instances + doing + `,"type":"NORMAL"}`},
		{"fraction", emulator.Switches{Fractions: emulator.Milliseconds}, with(row(emulator.Normal, emulator.Success), func(r *emulator.Row) { r.End = at(1).Add(7 * time.Millisecond) }), head + `,"end_time":"2026-03-01T12:00:01.007Z"` + instances + success + `,"type":"NORMAL"}`},
		{"value as text", emulator.Switches{ScalingValue: emulator.ScalingText}, row(emulator.Normal, emulator.Success), strings.Replace(head, `"scaling_value":3`, `"scaling_value":"3"`, 1) + end + instances + success + `,"type":"NORMAL"}`},
		{"null lists", emulator.Switches{Lists: emulator.ListsNull}, row(emulator.Normal, emulator.Success), head + end + null(instances) + `,"instance_standby_list":null` + success + null(balancers) + `,"type":"NORMAL"}`},
		{"empty lists", emulator.Switches{Lists: emulator.ListsEmpty}, row(emulator.Normal, emulator.Success), head + end + instances + `,"instance_standby_list":[]` + success + balancers + `,"type":"NORMAL"}`},
		{"no lists", emulator.Switches{Lists: emulator.ListsAbsent}, row(emulator.Normal, emulator.Success), head + end + success + `,"type":"NORMAL"}`},
		{"one N", emulator.Switches{Spelling: emulator.SpellManual, Lists: emulator.ListsAbsent}, row(emulator.ManualDelete, emulator.Success), head + end + success + `,"type":"MANUAL_DELETE"}`},
		{"instances", emulator.Switches{Lists: emulator.ListsAbsent}, with(row(emulator.Normal, emulator.Success), func(r *emulator.Row) {
			r.Description = `<a> & "b"`
			r.Added = []emulator.Instance{{ID: "i", Name: "n"}}
			r.Removed, r.Deleted = []emulator.Instance{{Name: "r"}}, []emulator.Instance{{Name: "d"}}
			r.Failed = []emulator.Instance{{Name: "f", FailedReason: "why", FailedDetails: "how", Config: `{"a":1}`}}
			r.Standby = []emulator.Instance{{ID: "s"}}
		}), head + end + `,"instance_added_list":[{"instance_id":"i","instance_name":"n"}],"instance_deleted_list":[{"instance_name":"d"}],"instance_removed_list":[{"instance_name":"r"}]` +
			`,"instance_failed_list":[{"instance_name":"f","failed_reason":"why","failed_details":"how","instance_config":"{\"a\":1}"}],"instance_standby_list":[{"instance_id":"s"}]` +
			success + `,"description":"<a> & \"b\"","type":"NORMAL"}`},
		{"balancers", emulator.Switches{Lists: emulator.ListsAbsent}, with(row(emulator.ModifyELB, emulator.Success), func(r *emulator.Row) {
			r.Bound = []emulator.LoadBalancer{{Enhanced: &emulator.Listener{Weight: 1, PoolID: "p", Port: 82}}}
			r.BindFailed = []emulator.LoadBalancer{{Classic: "c", FailedReason: "why", FailedDetails: "how"}}
			r.Unbound = []emulator.LoadBalancer{{Enhanced: &emulator.Listener{ID: &listener}}}
			r.UnbindFailed = []emulator.LoadBalancer{{Classic: "d"}}
		}), head + end + success + `,"lb_bind_success_list":[{"lbaas_listener":{"weight":1,"listener_id":null,"pool_id":"p","protocol_port":82}}]` +
			`,"lb_bind_failed_list":[{"listener":"c","failed_reason":"why","failed_details":"how"}]` +
			`,"lb_unbind_success_list":[{"lbaas_listener":{"weight":0,"listener_id":"L","pool_id":"","protocol_port":0}}],"lb_unbind_failed_list":[{"listener":"d"}]` + `,"type":"MODIFY_ELB"}`},
		{"extras", emulator.Switches{Lists: emulator.ListsAbsent}, with(row(emulator.Normal, emulator.Doing), func(r *emulator.Row) {
			r.Extra = map[string]json.RawMessage{
				"z": json.RawMessage(`{"y":[1]}`), "a": json.RawMessage(`7`), "id": nil, "instance_value": json.RawMessage(`"one"`),
				"description": json.RawMessage(`""`), "end_time": json.RawMessage(`"soon"`), "instance_added_list": json.RawMessage(`"i,j"`), "type": nil,
			}
		}), `{"instance_value":"one","desire_value":2,"scaling_value":3,"start_time":"2026-03-01T12:00:00Z","end_time":"soon","instance_added_list":"i,j"` + doing + `,"description":"","a":7,"z":{"y":[1]}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := one(t, c.sw, c.row); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
