package emulator_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scalegraph/upstream/emulator"
)

func TestHistory(t *testing.T) {
	e := emulator.New(emulator.Switches{})
	e.Insert(project, group, emulator.Row{ID: "a", Type: emulator.Diff, Status: emulator.Doing, Start: at(1)})
	if e.History() != nil {
		t.Error("a history that nobody asked for")
	}
	e.KeepHistory()
	e.KeepHistory()
	base := e.Seq()
	e.Insert(project, group, emulator.Row{ID: "b", Type: "MANUAL_ADD", Status: emulator.Success, Start: at(2)})
	e.Finish(project, group, "a", emulator.Fail, at(9))
	e.Insert(project, "g2", emulator.Row{ID: "a", Status: emulator.Success, Start: at(3)})
	e.Expire(project, group, 1)
	e.Remove(project, group, "b")
	e.RemoveGroup(project, group)
	e.AddGroup(project, group)
	var kinds []emulator.ChangeKind
	for _, c := range e.History() {
		kinds = append(kinds, c.Kind)
		if c.Project != project || c.At.IsZero() {
			t.Errorf("change %+v", c)
		}
	}
	want := []emulator.ChangeKind{
		emulator.GroupAdded, emulator.Inserted, emulator.Inserted, emulator.Updated, emulator.GroupAdded, emulator.Inserted,
		emulator.Expired, emulator.Removed, emulator.GroupRemoved, emulator.GroupAdded,
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("kinds %v, want %v", kinds, want)
	}
	for i, want := range []string{"[a DOING]", "[b SUCCESS][a DOING]", "[b SUCCESS][a FAIL]", "[b SUCCESS][a FAIL]", "[b SUCCESS][a FAIL]", "[b SUCCESS]", "", "", ""} {
		var got strings.Builder
		for _, r := range e.At(base+uint64(i)).Rows(project, group) {
			fmt.Fprintf(&got, "[%s %s]", r.ID, r.Status)
		}
		if got.String() != want {
			t.Errorf("%d changes later: %s, want %s", i, &got, want)
		}
	}
	if got := e.At(base+1).Match(project, group, emulator.Filter{Types: []string{"MANNUAL_ADD"}}); len(got) != 1 || got[0].ID != "b" {
		t.Errorf("by type: %v", got)
	}
	if got := e.At(base).Rows(project, "g2"); got != nil {
		t.Errorf("a group before its time: %v", got)
	}
}

// world is a log that a property test changes and reads.
type world struct {
	*bench
	made int
}

func (w *world) change(rt *rapid.T) {
	known := w.Rows(project, group)
	switch rapid.IntRange(0, 9).Draw(rt, "change") {
	case 0, 1, 2, 3, 4:
		for range rapid.IntRange(1, 12).Draw(rt, "rows") {
			w.insert(rt)
		}
	case 5, 6:
		if len(known) > 0 {
			id := rapid.SampledFrom(known).Draw(rt, "row").ID
			w.Finish(project, group, id, rapid.SampledFrom(emulator.Statuses()).Draw(rt, "status"), at(rapid.IntRange(0, 90).Draw(rt, "end")))
		}
	case 7:
		w.Expire(project, group, rapid.IntRange(0, 5).Draw(rt, "expired"))
	case 8:
		if len(known) > 0 {
			w.Remove(project, group, rapid.SampledFrom(known).Draw(rt, "row").ID)
		}
	case 9:
		w.ExpireBefore(project, group, at(rapid.IntRange(0, 20).Draw(rt, "before")))
	}
}

func (w *world) insert(rt *rapid.T) {
	w.made++
	second := rapid.IntRange(0, 60).Draw(rt, "start")
	w.Insert(project, group, emulator.Row{
		ID: emulator.ID(w.made), Type: rapid.SampledFrom(emulator.Types()).Draw(rt, "type"),
		Status: rapid.SampledFrom(emulator.Statuses()).Draw(rt, "status"), Start: at(second), End: at(second + rapid.IntRange(0, 30).Draw(rt, "length")),
	})
}

func drawSwitches(rt *rapid.T) emulator.Switches {
	return emulator.Switches{
		Window:         emulator.Window(rapid.IntRange(0, 2).Draw(rt, "window")),
		DoingInWindow:  emulator.DoingInWindow(rapid.IntRange(0, 1).Draw(rt, "doing")),
		Bounds:         emulator.Bounds(rapid.IntRange(0, 2).Draw(rt, "bounds")),
		Ties:           emulator.Ties(rapid.IntRange(0, 2).Draw(rt, "ties")),
		FilterSpelling: emulator.FilterEither,
	}
}

func drawFilter(rt *rapid.T) emulator.Filter {
	var f emulator.Filter
	if rapid.Bool().Draw(rt, "from?") {
		f.Start = at(rapid.IntRange(-5, 70).Draw(rt, "from"))
	}
	if rapid.Bool().Draw(rt, "to?") {
		f.End = at(rapid.IntRange(-5, 95).Draw(rt, "to"))
	}
	f.Types = rapid.SliceOfNDistinct(rapid.SampledFrom(emulator.Types()), 0, 4, rapid.ID).Draw(rt, "types")
	if rapid.Bool().Draw(rt, "status?") {
		f.Status = rapid.SampledFrom(emulator.Statuses()).Draw(rt, "status")
	}
	return f
}

// query writes a filter as a client would.
func query(f emulator.Filter) url.Values {
	v := url.Values{}
	if !f.Start.IsZero() {
		v.Set("start_time", f.Start.Format("2006-01-02T15:04:05Z"))
	}
	if !f.End.IsZero() {
		v.Set("end_time", f.End.Format("2006-01-02T15:04:05Z"))
	}
	if len(f.Types) > 0 {
		v.Set("type", strings.Join(f.Types, ","))
	}
	if f.Status != "" {
		v.Set("status", f.Status)
	}
	return v
}

// naive filters the record the plain way, so that the indexes of the log are checked by something that has none.
func naive(rows []emulator.Row, f emulator.Filter, sw emulator.Switches) []string {
	passes := func(t, bound time.Time, lower bool) bool {
		if bound.IsZero() {
			return true
		}
		if t.IsZero() {
			return sw.DoingInWindow == emulator.DoingIn
		}
		if t.Equal(bound) {
			return sw.Bounds == emulator.BoundsInclusive || lower && sw.Bounds == emulator.BoundsHalfOpen
		}
		return t.After(bound) == lower
	}
	out := []string{}
	for _, r := range rows {
		low, high := r.Start, r.End
		switch sw.Window {
		case emulator.WindowStart:
			high = r.Start
		case emulator.WindowEnd:
			low = r.End
		}
		if (len(f.Types) == 0 || slices.Contains(f.Types, r.Type)) && (f.Status == "" || f.Status == r.Status) &&
			passes(low, f.Start, true) && passes(high, f.End, false) {
			out = append(out, r.ID)
		}
	}
	return out
}

// TestPagesOfUnchangedLog changes a log at random, then walks it in pages under a random filter.
func TestPagesOfUnchangedLog(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sw := drawSwitches(rt)
		w := &world{bench: inMemory(t, sw)}
		w.KeepHistory()
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			w.change(rt)
		}
		f := drawFilter(rt)
		want := naive(w.Rows(project, group), f, sw)
		limit := rapid.IntRange(1, 30).Draw(rt, "limit")
		got := []string{}
		for offset := 0; ; offset += limit {
			v := query(f)
			v.Set("start_number", fmt.Sprint(offset))
			v.Set("limit", fmt.Sprint(limit))
			a := w.get(v.Encode())
			if a.status != 200 || a.Total != len(want) || a.Start != offset || a.Limit != limit {
				rt.Fatalf("%s: %d %s, want a total of %d", v.Encode(), a.status, a.raw, len(want))
			}
			got = append(got, a.ids()...)
			if offset >= len(want) {
				break
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("walked %v, want %v", got, want)
		}
		if !slices.IsSortedFunc(w.Rows(project, group), func(a, b emulator.Row) int { return b.Start.Compare(a.Start) }) {
			rt.Fatal("the record is not newest first")
		}
	})
}

// TestResponsesMatchHistory reads while the log changes, and compares every response with the history at its number.
func TestResponsesMatchHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{bench: inMemory(t, drawSwitches(rt))}
		w.KeepHistory()
		var mu sync.Mutex
		var responses []emulator.Response
		w.OnResponse(func(a emulator.Response) {
			mu.Lock()
			defer mu.Unlock()
			responses = append(responses, a)
		})
		filters := []emulator.Filter{}
		for range rapid.IntRange(1, 10).Draw(rt, "rounds") {
			w.change(rt)
			f := drawFilter(rt)
			filters = append(filters, f)
			w.get(query(f).Encode())
		}
		for i, a := range responses {
			rows := w.At(a.Seq).Match(project, group, filters[i])
			want := []string{}
			for _, r := range rows[:min(len(rows), 20)] {
				want = append(want, r.ID)
			}
			if a.Total != len(rows) || !slices.Equal(a.IDs, want) {
				rt.Fatalf("answer %d of change %d: %d rows %v, history has %d %v", i, a.Seq, a.Total, a.IDs, len(rows), want)
			}
		}
	})
}

// TestConcurrentRequests is for the race detector: everything that may be called together is.
func TestConcurrentRequests(t *testing.T) {
	b := start(t, emulator.Switches{Ties: emulator.TiesUnstable})
	b.KeepHistory()
	b.seed(200)
	b.OnRequest(func(emulator.Request) {})
	b.OnResponse(func(emulator.Response) {})
	b.Fault(emulator.Times(5, emulator.Fault{Status: 503}))
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 50 {
				b.Insert(project, group, emulator.Row{Status: emulator.Doing, Start: at(i)})
				b.Expire(project, group, 1)
				b.Finish(project, group, emulator.ID(100+i), emulator.Success, at(i+worker))
				b.AddToken("another", project)
				if i%10 == 0 {
					b.Requests()
					b.At(b.Seq()).Rows(project, group)
				}
			}
		})
		all.Go(func() {
			for range 25 {
				if _, err := b.try("GET", path+"?limit=100", token); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := len(b.Rows(project, group)); n != 200 {
		t.Errorf("%d rows", n)
	}
	if b.Count() != 100 || b.Peak() < 1 || b.Peak() > 4 {
		t.Errorf("count %d, peak %d", b.Count(), b.Peak())
	}
}
