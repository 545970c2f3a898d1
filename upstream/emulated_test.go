package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

// emulated starts an emulator that holds p1/g1, and a client of it.
func emulated(t testing.TB, sw emulator.Switches, edit ...func(*Config)) (*emulator.Emulator, *Client) {
	t.Helper()
	e := emulator.New(sw)
	e.AddGroup("p1", "g1")
	e.AddToken("good", "p1")
	e.AddToken("other", "p2")
	cfg := Config{Endpoints: map[string]string{"here": emulatortest.Serve(t, e)}, Timeout: time.Minute, retry: quick()}
	for _, f := range edit {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return e, c
}

func ask(t testing.TB, c *Client, token string, q ListQuery) (Listing, error) {
	t.Helper()
	return c.List(request.WithCaller(t.Context(), &request.Caller{Token: token}), q)
}

// rowsOfEveryKind returns rows of all types and statuses, a minute apart, newest last.
func rowsOfEveryKind() []emulator.Row {
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	var rows []emulator.Row
	for _, typ := range emulator.Types() {
		for _, status := range emulator.Statuses() {
			n := len(rows)
			at := start.Add(time.Duration(n) * time.Minute)
			rows = append(rows, emulator.Row{
				ID: emulator.ID(n), Type: typ, Status: status, Start: at, End: at.Add(30 * time.Second),
				InstanceValue: n, DesireValue: n + 1, ScalingValue: 1,
			})
		}
	}
	return rows
}

func TestEveryFilterAgainstEmulator(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	all := rowsOfEveryKind()
	for name, tc := range map[string]struct {
		filter Filter
		want   func(emulator.Row) bool
	}{
		"all":    {Filter{}, func(emulator.Row) bool { return true }},
		"status": {Filter{Status: StatusFail}, func(r emulator.Row) bool { return r.Status == emulator.Fail }},
		"log id": {Filter{LogID: emulator.ID(4)}, func(r emulator.Row) bool { return r.ID == emulator.ID(4) }},
		"from":   {Filter{StartTime: start.Add(9 * time.Minute)}, func(r emulator.Row) bool { return !r.Start.Before(start.Add(9 * time.Minute)) }},
		"types": {Filter{Types: []Type{TypeManualAdd, TypeExitStandby}}, func(r emulator.Row) bool {
			return r.Type == emulator.ManualAdd || r.Type == emulator.ExitStandby
		}},
		"all at once": {Filter{Status: StatusSuccess, StartTime: start, EndTime: start.Add(time.Hour), Types: []Type{TypeDiff}}, func(r emulator.Row) bool {
			return r.Status == emulator.Success && r.Type == emulator.Diff
		}},
	} {
		for _, spelling := range []string{SpellingTwoN, SpellingOneN} {
			t.Run(name+" "+spelling, func(t *testing.T) {
				sw := emulator.Switches{}
				if spelling == SpellingOneN {
					sw.Spelling, sw.FilterSpelling, sw.ScalingValue = emulator.SpellManual, emulator.FilterManual, emulator.ScalingText
				}
				e, c := emulated(t, sw, func(cfg *Config) { cfg.TypeSpelling = spelling })
				e.Insert("p1", "g1", all...)
				l, err := ask(t, c, "good", ListQuery{Group: testGroup, Filter: NewFilter(tc.filter), Limit: 100})
				if err != nil {
					t.Fatal(err)
				}
				var want []string
				for _, r := range slices.Backward(all) {
					if tc.want(r) {
						want = append(want, r.ID)
					}
				}
				if got := ids(l.Rows); !slices.Equal(got, want) || l.Total != len(want) {
					t.Errorf("got %d of %d: %v\nwant %v", len(got), l.Total, got, want)
				}
			})
		}
	}
}

func ids(rows []*Activity) []string {
	var ids []string
	for _, a := range rows {
		ids = append(ids, a.LogID)
	}
	return ids
}

func TestEveryRowInEveryForm(t *testing.T) {
	all := rowsOfEveryKind()
	for name, sw := range map[string]emulator.Switches{
		"as documented": {},
		"as text":       {ScalingValue: emulator.ScalingText, DoingEnd: emulator.EndNull, Lists: emulator.ListsNull},
		"with ends":     {DoingEnd: emulator.EndEmpty, Fractions: emulator.Milliseconds, Lists: emulator.ListsEmpty},
		"one N":         {Spelling: emulator.SpellManual, Lists: emulator.ListsAbsent, Compression: emulator.GzipNever},
	} {
		t.Run(name, func(t *testing.T) {
			e, c := emulated(t, sw)
			e.Insert("p1", "g1", all...)
			l, err := ask(t, c, "good", ListQuery{Group: testGroup, Offset: 3, Limit: 20})
			if err != nil || len(l.Rows) != 20 || l.Offset != 3 || l.Total != len(all) {
				t.Fatalf("got %d rows at %d of %d, %v", len(l.Rows), l.Offset, l.Total, err)
			}
			for i, a := range l.Rows {
				checkAgainst(t, a, all[len(all)-1-3-i])
			}
		})
	}
}

// checkAgainst checks an activity against the row that it was made of.
func checkAgainst(t *testing.T, a *Activity, r emulator.Row) {
	t.Helper()
	checkRow(t, a)
	_, typ := readType(r.Type)
	if a.LogID != r.ID || a.Type != typ || a.Type == TypeUnknown || string(a.Status) != r.Status || !a.StartTime.Equal(r.Start) {
		t.Errorf("got %+v of %+v", a, r)
	}
	if *a.InstanceValue != int32(r.InstanceValue) || *a.DesireValue != int32(r.DesireValue) || *a.ScalingValue != 1 {
		t.Errorf("numbers of %+v", r)
	}
	if running := r.Status == emulator.Doing; running != a.EndTime.IsZero() || !running && !a.EndTime.Equal(r.End) {
		t.Errorf("%s ended %v", r.Status, a.EndTime)
	}
}

func TestErrorsOfEmulator(t *testing.T) {
	for name, tc := range map[string]struct {
		sw    emulator.Switches
		token string
		query ListQuery
		want  error
		code  string
	}{
		"no token, gateway":      {emulator.Switches{}, "", ListQuery{Group: testGroup, Limit: 1}, ErrUnauthenticated, "APIG.0301"},
		"no token, service":      {emulator.Switches{Refusal: emulator.ByService}, "", ListQuery{Group: testGroup, Limit: 1}, ErrUnauthenticated, "AS.0005"},
		"unknown token, gateway": {emulator.Switches{}, "bad", ListQuery{Group: testGroup, Limit: 1}, ErrUnauthenticated, "APIG.0301"},
		"unknown token, service": {emulator.Switches{Refusal: emulator.ByService}, "bad", ListQuery{Group: testGroup, Limit: 1}, ErrUnauthenticated, "AS.0006"},
		"foreign project":        {emulator.Switches{}, "other", ListQuery{Group: testGroup, Limit: 1}, ErrForbidden, "AS.0008"},
		"unknown group":          {emulator.Switches{}, "good", ListQuery{Group: Group{"here", "p1", "g2"}, Limit: 1}, ErrNotFound, "AS.2007"},
		"type":                   {emulator.Switches{}, "good", ListQuery{Group: testGroup, Limit: 1, Filter: Filter{Types: []Type{"NEW"}}}, ErrRejected, "AS.9012"},
		"status":                 {emulator.Switches{}, "good", ListQuery{Group: testGroup, Limit: 1, Filter: Filter{Status: "NEW"}}, ErrRejected, "AS.9013"},
		"spelling":               {emulator.Switches{FilterSpelling: emulator.FilterManual}, "good", ListQuery{Group: testGroup, Limit: 1, Filter: Filter{Types: []Type{TypeManualAdd}}}, ErrRejected, "AS.9012"},
	} {
		t.Run(name, func(t *testing.T) {
			e, c := emulated(t, tc.sw)
			_, err := ask(t, c, tc.token, tc.query)
			se := statusError(t, err)
			if se.Err != tc.want || se.Code != tc.code || len(e.Requests()) != 1 || se.RequestID != e.Requests()[0].ID {
				t.Errorf("got %+v after %d requests", se, e.Count())
			}
		})
	}
}

func TestFaultsOfEmulator(t *testing.T) {
	page := ListQuery{Group: testGroup, Limit: 100}
	for name, tc := range map[string]struct {
		fault    emulator.Fault
		want     error
		requests int
	}{
		"not JSON":         {emulator.Fault{Break: emulator.NotJSON}, ErrBadResponse, 1},
		"wrong shape":      {emulator.Fault{Break: emulator.WrongShape}, ErrBadResponse, 1},
		"trailing garbage": {emulator.Fault{Break: emulator.TrailingGarbage}, ErrBadResponse, 1},
		"empty body":       {emulator.Fault{Break: emulator.EmptyBody}, ErrBadResponse, 1},
		"cut off":          {emulator.Fault{Break: emulator.CutOff}, ErrBadResponse, 1},
		"corrupt encoding": {emulator.Fault{Break: emulator.CorruptEncoding}, ErrBadResponse, 1},
		"reset":            {emulator.Fault{Break: emulator.ResetConnection}, ErrUnavailable, 3},
		"closed":           {emulator.Fault{Break: emulator.CloseConnection}, ErrUnavailable, 3},
		"throttled":        {emulator.Throttled(0), ErrRateLimited, 1},
		"500":              {emulator.Fault{Status: 500, Code: "AS.0001"}, ErrUnavailable, 1},
		"503":              {emulator.Fault{Status: 503, Code: "APIG.0613"}, ErrUnavailable, 3},
	} {
		t.Run(name, func(t *testing.T) {
			e, c := emulated(t, emulator.Switches{})
			e.Insert("p1", "g1", rowsOfEveryKind()...)
			e.Fault(emulator.Always(tc.fault))
			if _, err := ask(t, c, "good", page); !errors.Is(err, tc.want) || e.Count() != tc.requests {
				t.Errorf("%v after %d requests, want %v after %d", err, e.Count(), tc.want, tc.requests)
			}
			e.Fault(emulator.Times(0, tc.fault))
			if l, err := ask(t, c, "good", page); err != nil || len(l.Rows) != 30 {
				t.Errorf("afterwards: %d rows, %v", len(l.Rows), err)
			}
		})
	}
}

func TestSkippedRowsAreCounted(t *testing.T) {
	e, c := emulated(t, emulator.Switches{})
	rows := rowsOfEveryKind()[:5]
	rows[1].Extra = map[string]json.RawMessage{"start_time": nil}
	rows[3].Extra = map[string]json.RawMessage{"id": json.RawMessage(`null`)}
	e.Insert("p1", "g1", rows...)
	l, err := ask(t, c, "good", ListQuery{Group: testGroup, Limit: 20})
	if err != nil || len(l.Rows) != 5 || l.Rows[1] != nil || l.Rows[3] != nil || l.Rows[4].LogID != rows[0].ID {
		t.Errorf("got %v, %v", l.Rows, err)
	}
	if got := c.RowsSkipped(); got != 2 {
		t.Errorf("%d rows left out", got)
	}
}

// heavyRows are 100 rows of about 90 kB.
func heavyRows() []emulator.Row {
	rows := make([]emulator.Row, 100)
	for i := range rows {
		at := time.Date(2026, 1, 2, 3, 0, i, 0, time.UTC)
		rows[i] = emulator.Row{
			Type: emulator.Normal, Status: emulator.Success, Start: at, End: at.Add(90 * time.Second), InstanceValue: 2, DesireValue: 5, ScalingValue: 3,
			Description: `{"reason":[{"change_reason":"ALARM","old_value":2,"change_time":"2018-11-22T13:44:19Z","new_value":5,"scaling_policy_id":"8e273bac-d303-46dc-9883-628be2294bdf","scaling_policy_name":"as-policy-cpu"}]}`,
		}
		for j := range 3 {
			rows[i].Added = append(rows[i].Added, emulator.Instance{ID: emulator.ID(100*i + j), Name: fmt.Sprintf("as-config-t66a_9W8L9S%02d", j)})
		}
	}
	return rows
}

func BenchmarkDecodePage(b *testing.B) {
	for _, sections := range []Sections{0, AllSections} {
		b.Run(map[Sections]string{0: "summaries", AllSections: "whole"}[sections], func(b *testing.B) { benchmarkDecode(b, sections) })
	}
}

func benchmarkDecode(b *testing.B, sections Sections) {
	body := heavyBody(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodePage(body, ListQuery{Group: testGroup, Limit: 100, Sections: sections}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList(b *testing.B) {
	e, c := emulated(b, emulator.Switches{Access: emulator.AccessOpen})
	e.Insert("p1", "g1", heavyRows()...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ask(b, c, "", ListQuery{Group: testGroup, Limit: 100}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(e.Count())/float64(b.N), "requests/op")
}

// heavyBody returns the body of the response with heavyRows.
func heavyBody(b *testing.B) string {
	b.Helper()
	e := emulator.New(emulator.Switches{Access: emulator.AccessOpen})
	e.AddGroup("p1", "g1")
	e.Insert("p1", "g1", heavyRows()...)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/autoscaling-api/v2/p1/scaling_activity_log/g1?limit=100", nil))
	return w.Body.String()
}
