package emulator_test

import (
	"fmt"
	"slices"
	"testing"

	"scalegraph/upstream/emulator"
)

// ids names log ids by their numbers.
func ids(numbers ...int) []string {
	out := []string{}
	for _, n := range numbers {
		out = append(out, emulator.ID(n))
	}
	return out
}

func count(from, to, step int) []int {
	out := []int{}
	for n := from; n != to; n += step {
		out = append(out, n)
	}
	return out
}

func (b *bench) seed(n int) {
	for i := range n {
		b.Insert(project, group, emulator.Row{ID: emulator.ID(i), Status: emulator.Success, Type: emulator.Normal, Start: at(i * 10), End: at(i*10 + 5)})
	}
}

func TestPages(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.seed(150)
	for _, c := range []struct {
		query         string
		want          []string
		offset, limit int
	}{
		{"", ids(count(149, 129, -1)...), 0, 20},
		{"limit=1", ids(149), 0, 1},
		{"limit=100", ids(count(149, 49, -1)...), 0, 100},
		{"start_number=1&limit=2", ids(148, 147), 1, 2},
		{"start_number=148&limit=5", ids(1, 0), 148, 5},
		{"start_number=149", ids(0), 149, 20},
		{"start_number=150", ids(), 150, 20},
		{"start_number=2147483647", ids(), 2147483647, 20},
		{"limit=0", ids(), 0, 0},
		{"limit=3&limit=7&colour=red", ids(149, 148, 147), 0, 3},
	} {
		t.Run(c.query, func(t *testing.T) {
			a := b.get(c.query)
			if a.status != 200 || !slices.Equal(a.ids(), c.want) || a.Total != 150 || a.Start != c.offset || a.Limit != c.limit {
				t.Errorf("status %d, limit %d, start %d, total %d, rows %v, want %v", a.status, a.Limit, a.Start, a.Total, a.ids(), c.want)
			}
		})
	}
}

func TestFilters(t *testing.T) {
	b := start(t, emulator.Switches{})
	for i, kind := range emulator.Types() {
		for j, status := range emulator.Statuses() {
			b.Insert(project, group, emulator.Row{ID: emulator.ID(3*i + j), Status: status, Type: kind, Start: at(60 * (3*i + j)), End: at(60*(3*i+j) + 30)})
		}
	}
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"type=NORMAL", ids(2, 1, 0)},
		{"type=MANNUAL_REMOVE%2CDIFF", ids(20, 19, 18, 5, 4, 3)},
		{"type=DIFF,MANNUAL_REMOVE,DIFF", ids(20, 19, 18, 5, 4, 3)},
		{"type=EXIT_STANDBY&status=FAIL", ids(28)},
		{"type=EXIT_STANDBY,NORMAL&status=DOING", ids(29, 2)},
		{"status=DOING&limit=3", ids(29, 26, 23)},
		{"log_id=" + emulator.ID(7), ids(7)},
		{"log_id=" + emulator.ID(7) + "&status=DOING", ids()},
		{"log_id=" + emulator.ID(99), ids()},
		{"start_time=2026-03-01T12:27:00Z", ids(29, 28, 27)},
		{"start_time=2026-03-01T12%3A27%3A01Z", ids(29, 28)},
		{"end_time=2026-03-01T12:01:30Z", ids(1, 0)},
		{"end_time=2026-03-01T12:01:29Z", ids(0)},
		{"start_time=2026-03-01T12:01:00Z&end_time=2026-03-01T12:04:59Z", ids(4, 3, 1)},
		{"start_time=2026-03-01T12:09:00Z&end_time=2026-03-01T12:01:00Z", ids()},
		{"start_time=2026-03-01T12:01:00Z&type=NORMAL&status=SUCCESS", ids()},
	} {
		t.Run(c.query, func(t *testing.T) {
			a := b.get(c.query)
			if a.status != 200 || !slices.Equal(a.ids(), c.want) {
				t.Errorf("status %d %s, rows %v, want %v", a.status, a.raw, a.ids(), c.want)
			}
			if c.query != "status=DOING&limit=3" && a.Total != len(c.want) {
				t.Errorf("total %d, want %d", a.Total, len(c.want))
			}
		})
	}
	if a := b.get("status=DOING&limit=3"); a.Total != 10 {
		t.Errorf("total under a status %d, want 10", a.Total)
	}
}

func TestMutations(t *testing.T) {
	b := start(t, emulator.Switches{})
	row := func(n, second int) emulator.Row {
		return emulator.Row{ID: emulator.ID(n), Status: emulator.Doing, Type: emulator.Normal, Start: at(second)}
	}
	b.Insert(project, group, row(3, 30), row(1, 10), row(2, 20))
	expect := func(query string, want ...string) {
		t.Helper()
		if a := b.get(query); !slices.Equal(a.ids(), want) || a.Total != len(want) {
			t.Errorf("%s: rows %v, total %d, want %v", query, a.ids(), a.Total, want)
		}
	}
	expect("", ids(3, 2, 1)...)
	b.Insert(project, group, row(4, 15))
	expect("", ids(3, 2, 4, 1)...)
	if !b.Finish(project, group, emulator.ID(4), emulator.Fail, at(99)) {
		t.Error("Finish did not find the row")
	}
	expect("status=FAIL", ids(4)...)
	expect("status=DOING", ids(3, 2, 1)...)
	if got := b.get("status=FAIL").Rows[0]["end_time"]; got != "2026-03-01T12:01:39Z" {
		t.Errorf("end_time %v", got)
	}
	b.Insert(project, group, row(4, 40))
	expect("", ids(4, 3, 2, 1)...)
	if got := b.Expire(project, group, 2); got != 2 {
		t.Errorf("Expire dropped %d", got)
	}
	expect("", ids(4, 3)...)
	if !b.Remove(project, group, emulator.ID(4)) || b.Remove(project, group, emulator.ID(4)) {
		t.Error("Remove does not tell whether the row was there")
	}
	expect("", ids(3)...)
	if got := b.Expire(project, group, 5); got != 1 {
		t.Errorf("Expire dropped %d", got)
	}
	expect("", ids()...)
	if b.Finish(project, group, emulator.ID(3), emulator.Success, at(1)) || b.Finish(project, "no", emulator.ID(3), emulator.Success, at(1)) {
		t.Error("Finish found a row that is gone")
	}
	if !b.RemoveGroup(project, group) || b.RemoveGroup(project, group) {
		t.Error("RemoveGroup does not tell whether the group was there")
	}
	if a := b.get(""); a.status != 400 || a.code() != "AS.2007" {
		t.Errorf("a removed group answers %d %v", a.status, a.code())
	}
}

func TestBulkInserts(t *testing.T) {
	b := start(t, emulator.Switches{})
	row := func(n int) emulator.Row {
		return emulator.Row{ID: emulator.ID(n), Status: emulator.Success, Type: emulator.Normal, Start: at(n)}
	}
	var odd, even []emulator.Row
	for n := range 30 {
		if n%2 == 0 {
			even = append(even, row(n))
			continue
		}
		odd = append(odd, row(n))
	}
	slices.Reverse(odd)
	b.Insert(project, group, even...)
	b.Insert(project, group, odd...)                   // newest first, and in between
	b.Insert(project, group, row(40), row(7), row(40)) // one that is there, one twice
	b.Insert(project, group)                           // nothing
	if n := b.Expire("another", group, 3); n != 0 {
		t.Errorf("a group that is not there lost %d rows", n)
	}
	if n := b.ExpireBefore(project, group, at(3)); n != 3 {
		t.Errorf("ExpireBefore dropped %d", n)
	}
	want := append(ids(40), ids(count(29, 2, -1)...)...)
	if a := b.get("limit=100"); !slices.Equal(a.ids(), want) || a.Total != len(want) {
		t.Errorf("rows %v, want %v", a.ids(), want)
	}
	if b.Rows("another", group) != nil {
		t.Error("a group that is not there has a record")
	}
}

// TestRecordedRequestsAreBounded sends more requests than Requests returns.
func TestRecordedRequestsAreBounded(t *testing.T) {
	b := inMemory(t, emulator.Switches{})
	const n = 10_001
	for range n {
		b.do("GET", "/", token)
	}
	got := b.Requests()
	if b.Count() != n || len(got) < 5000 || len(got) >= n || got[len(got)-1].ID == "" {
		t.Errorf("%d counted, %d remembered", b.Count(), len(got))
	}
}

func TestDerivedIDs(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.Insert(project, group, emulator.Row{Start: at(0), Status: emulator.Success}, emulator.Row{Start: at(1), Status: emulator.Success})
	for _, id := range b.get("").ids() {
		if a := b.get("log_id=" + id); a.status != 200 || a.Total != 1 {
			t.Errorf("made id %s: %d %s", id, a.status, a.raw)
		}
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.seed(3)
	b.get("limit=2&start_number=1&type=NORMAL%2CDIFF")
	b.get("limit=-1")
	got := b.Requests()
	if b.Count() != 2 || len(got) != 2 {
		t.Fatalf("%d counted, %d recorded", b.Count(), len(got))
	}
	first := got[0]
	if first.Method != "GET" || first.Project != project || first.Group != group || first.Query.Get("type") != "NORMAL,DIFF" ||
		first.Offset != 1 || first.Limit != 2 || first.Status != 200 || first.Total != 3 || first.Seq != b.Seq() || first.Header.Get("X-Auth-Token") != token {
		t.Errorf("recorded %+v", first)
	}
	if second := got[1]; second.Status != 400 || second.Code != "AS.9004" || second.Limit != -1 {
		t.Errorf("recorded %+v", second)
	}
	b.Reset()
	if b.Count() != 0 || len(b.Requests()) != 0 || b.Peak() != 0 {
		t.Error("Reset left something")
	}
}

func TestOnRequestMayChangeLog(t *testing.T) {
	b := start(t, emulator.Switches{})
	n := 0
	b.OnRequest(func(emulator.Request) {
		b.Insert(project, group, emulator.Row{ID: emulator.ID(n), Status: emulator.Success, Start: at(n)})
		n++
	})
	for want := 1; want < 4; want++ {
		if a := b.get(""); a.Total != want {
			t.Errorf("total %d, want %d", a.Total, want)
		}
	}
	b.OnRequest(nil)
	if a := b.get(""); a.Total != 3 {
		t.Errorf("total %d after the hook was taken away", a.Total)
	}
}

func TestOnResponseHasPage(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.seed(5)
	var seen []string
	b.OnResponse(func(a emulator.Response) { seen = append(seen, fmt.Sprint(a.Seq, a.Total, a.IDs)) })
	b.get("limit=2")
	if want := []string{fmt.Sprint(b.Seq(), 5, ids(4, 3))}; !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}
