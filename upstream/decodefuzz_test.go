package upstream

import (
	"fmt"
	"os"
	"reflect"
	"testing"
	"unicode/utf8"
)

func FuzzDecodePage(f *testing.F) {
	b, err := os.ReadFile("emulator/sample-response.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(b), emptyPage, html, pageOf(`,"scaling_value":"0","end_time":"","status":"DING"`),
		pageOf(`,"instance_failed_list":"a,b","lb_bind_failed_list":[{"listener":{}}],"description":"{\"reason\":[{}]}"`),
		pageOf(",\"description\":\"\xff\\ud800\",\"instance_added_list\":[{\"instance_name\":\"\xc0\"}]"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		q := ListQuery{Group: testGroup, Offset: 7, Limit: 3, Sections: AllSections}
		p, err := decodePage(body, q)
		checkLight(t, body, q, p, err)
		if err != nil {
			return
		}
		if len(p.rows) > q.Limit || p.total < 0 || len(p.rows) > 0 && p.total < q.Offset+len(p.rows) {
			t.Fatalf("%d rows of %d", len(p.rows), p.total)
		}
		for _, a := range p.rows {
			if a == nil {
				p.skipped--
				continue
			}
			checkRow(t, a)
		}
		if p.skipped != 0 {
			t.Errorf("skipped is off by %d", p.skipped)
		}
	})
}

// checkRow checks the properties of every decoded row.
func checkRow(t *testing.T, a *Activity) {
	t.Helper()
	d := a.Details
	n := ListLengths{
		int32(len(d.Added)), int32(len(d.Removed)), int32(len(d.Deleted)), int32(len(d.Failed)), int32(len(d.Standby)),
		int32(len(d.Bound)), int32(len(d.BindFailed)), int32(len(d.Unbound)), int32(len(d.UnbindFailed)),
	}
	if a.ListLengths != n || a.LogID == "" || a.StartTime.IsZero() {
		t.Errorf("got %+v", a)
	}
	if seconds := a.DurationSeconds(); (seconds == nil) != (a.Ended() == nil) || seconds != nil && *seconds < 0 {
		t.Errorf("duration %s of an action that ended %v", show(seconds), a.EndTime)
	}
	if a.Outcome() == "" || a.Direction() == "" {
		t.Errorf("outcome %q, direction %q", a.Outcome(), a.Direction())
	}
	for _, s := range []string{a.LogID, a.RawType, a.RawStatus, show(a.Description), fmt.Sprint(a.Reasons())} {
		if !utf8.ValidString(s) {
			t.Errorf("%q is no text", s)
		}
	}
	for _, i := range append(d.Added, d.Failed...) {
		if !utf8.ValidString(show(i.ID) + show(i.Name) + show(i.Config)) {
			t.Errorf("%+v is no text", i)
		}
	}
}

// checkLight holds a page without its lists against the whole one: nothing else of it may differ.
func checkLight(t *testing.T, body string, q ListQuery, whole page, failed error) {
	t.Helper()
	for _, q.Sections = range []Sections{0, SectionDescriptions} {
		light, err := decodePage(body, q)
		if (err == nil) != (failed == nil) || light.total != whole.total || len(light.rows) != len(whole.rows) {
			t.Fatalf("%v, %d rows of %d without lists; %v, %d of %d with them", err, len(light.rows), light.total, failed, len(whole.rows), whole.total)
		}
		for i, row := range whole.rows {
			if row == nil {
				continue
			}
			want := *row
			want.Details, want.RetainedBytes = Details{Sections: q.Sections}, 0
			if q.Sections == 0 {
				want.Description = nil
			}
			if !reflect.DeepEqual(light.rows[i], &want) {
				t.Fatalf("without lists %+v, with them %+v", light.rows[i], row)
			}
		}
	}
}
