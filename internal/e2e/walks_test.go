package e2e

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"scalegraph/internal/app/apptest"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// epoch is the start of the oldest row of a generated log.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// A stroll is the program over some generated logs, and a client that walks them by GraphQL.
type walkFixture struct {
	testing.TB
	*emulator.Emulator
	pagingtest.Browser
	groups []upstream.Group
	next   int // number of the next row
}

// newWalkFixture makes logs of n rows each, one row a minute, all of them at the same minutes.
func newWalkFixture(t testing.TB, groups, n int) *walkFixture {
	t.Helper()
	e := emulator.New(emulator.Switches{Access: emulator.AccessOpen, Compression: emulator.GzipNever, LimitZero: emulator.LimitZeroRefused})
	s := &walkFixture{TB: t, Emulator: e, Browser: pagingtest.GraphQL(apptest.InProcess(t, e, false))}
	for i := range groups {
		g := upstream.Group{Region: "r", Project: "p", ID: fmt.Sprint("g", i)}
		s.groups = append(s.groups, g)
		s.insert(g, n)
	}
	return s
}

func (s *walkFixture) insert(g upstream.Group, n int) {
	rows := make([]emulator.Row, n)
	start := epoch
	if old := s.Rows(g.Project, g.ID); len(old) > 0 {
		start = old[0].Start.Add(time.Minute)
	}
	for i := range rows {
		rows[i] = emulator.Row{ID: emulator.ID(s.next), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start}
		start = start.Add(time.Minute)
		s.next++
	}
	s.Insert(g.Project, g.ID, rows...)
}

// request requests a page, of the first group unless it is merged, and checks the reported number of upstream calls.
func (s *walkFixture) request(req pagingtest.Request) pagingtest.Response {
	s.Helper()
	if !req.Merged {
		req.Groups = s.groups[:1]
	}
	before := s.Count()
	resp, err := s.Page(s.Context(), req)
	if err != nil {
		s.Fatalf("%+v: %v", req, err)
	}
	if calls := s.Count() - before; calls != resp.Calls {
		s.Errorf("explain has %d upstream calls, the upstream counted %d", resp.Calls, calls)
	}
	return resp
}

func forward(n int, after pagingtest.Response) pagingtest.Request {
	req := pagingtest.Request{First: n, Last: -1}
	if len(after.Rows) > 0 {
		req.After = after.Rows[len(after.Rows)-1].Cursor
	}
	return req
}

func backward(n int, before pagingtest.Response) pagingtest.Request {
	req := pagingtest.Request{First: -1, Last: n}
	if len(before.Rows) > 0 {
		req.Before = before.Rows[0].Cursor
	}
	return req
}

// TestWalkCosts bounds the upstream calls for the next page after a change of the log. A page of more than 97 rows does not fit one call
// with the rows around it, so each of its calls may become two.
func TestWalkCosts(t *testing.T) {
	t.Parallel()
	const total = 10_000
	search := 2 + int(math.Log2(total/upstream.MaxLimit))
	for n, factor := range map[int]int{20: 1, 97: 1, 99: 2} {
		for name, test := range map[string]struct {
			change   func(*walkFixture)
			maxCalls int
		}{
			"nothing":     {func(*walkFixture) {}, 1},
			"1 insert":    {func(s *walkFixture) { s.insert(s.groups[0], 1) }, 2},
			"200 inserts": {func(s *walkFixture) { s.insert(s.groups[0], 200) }, 2},
			"1 expired":   {func(s *walkFixture) { s.Expire("p", "g0", 1) }, 2},
			"inserts and expiries cancel": {func(s *walkFixture) {
				s.insert(s.groups[0], 500)
				s.Expire("p", "g0", 500)
			}, search},
			"a restart": {func(s *walkFixture) { s.Browser = pagingtest.GraphQL(apptest.InProcess(s.TB, s.Emulator, false)) }, search},
		} {
			for _, depth := range []int{0, total / 2} {
				t.Run(fmt.Sprintf("%s, pages of %d at %d", name, n, depth), func(t *testing.T) {
					s := newWalkFixture(t, 1, total)
					page := s.request(pagingtest.Request{First: n, Last: -1, Offset: depth})
					page = s.request(forward(n, page))
					test.change(s)
					page = s.request(forward(n, page))
					if limit := factor * test.maxCalls; page.Calls > limit || len(page.Rows) != n {
						t.Errorf("%d rows took %d calls, want at most %d", len(page.Rows), page.Calls, limit)
					}
				})
			}
		}
	}
}

// TestFailingGroup makes one group of a merged feed fail for a while: the pages continue without it, and then resume it at the cursor.
func TestFailingGroup(t *testing.T) {
	s := newWalkFixture(t, 3, 60)
	feed := func(req pagingtest.Request) pagingtest.Response {
		req.Merged, req.Groups = true, s.groups
		return s.request(req)
	}
	whole := feed(forward(180, pagingtest.Response{}))
	first := feed(forward(60, pagingtest.Response{}))

	s.Fault(emulator.ForGroup("g1", emulator.Fault{Status: http.StatusForbidden, Code: "APIG.0302"}))
	second := feed(forward(40, first))
	missing := []pagingtest.UnavailableGroup{{Group: s.groups[1], Code: "FORBIDDEN"}}
	if second.Total != 120 || !slices.Equal(second.Unavailable, missing) {
		t.Errorf("total %d, unavailable %v", second.Total, second.Unavailable)
	}
	left := slices.DeleteFunc(slices.Clone(whole.Rows[60:]), func(r pagingtest.Row) bool { return r.Point.Group == s.groups[1] })
	if !slices.Equal(second.Rows, left[:40]) {
		t.Errorf("without the group: %v, want %v", second.Rows, left[:40])
	}

	s.Fault(nil)
	third := feed(forward(500, second))
	if third.Total != 180 || len(third.Unavailable) > 0 || !slices.Equal(third.Rows, whole.Rows[120:]) {
		t.Errorf("after it is back: total %d, unavailable %v, %d rows", third.Total, third.Unavailable, len(third.Rows))
	}
	if back := feed(backward(500, third)); !slices.Equal(back.Rows, whole.Rows[:120]) {
		t.Errorf("backward: %d rows", len(back.Rows))
	}
}

// FuzzCursor sends malformed cursors. The response is a coded error, or has the rows around one position without a gap.
func FuzzCursor(f *testing.F) {
	s := newWalkFixture(f, 2, 150)
	s.Insert("p", "g0", emulator.Row{ID: "x", Type: emulator.Normal, Status: emulator.Fail, Start: epoch, End: epoch})
	var whole [2][]pagingtest.Row
	for i := range whole {
		req := forward(500, pagingtest.Response{})
		req.Merged, req.Groups = i == 1, s.groups
		whole[i] = s.request(req).Rows
		for _, at := range []int{0, 1, 75, len(whole[i]) - 1} {
			f.Add(whole[i][at].Cursor, i == 1, uint8(20))
		}
	}
	for _, text := range []string{"garbage", "AQ", " ", "AfGZJJZOJ4WPhoacmg0AAQAAAAAAAEAAgAAAAABQaCk="} {
		f.Add(text, false, uint8(0))
	}
	f.Fuzz(func(t *testing.T, cursor string, merged bool, n uint8) {
		if cursor == "" {
			return // the browser would leave the argument out
		}
		s, rows := walkFixture{TB: t, Emulator: s.Emulator, Browser: s.Browser, groups: s.groups}, whole[0]
		if merged {
			rows = whole[1]
		}
		request := func(req pagingtest.Request) (pagingtest.Response, error) {
			req.Merged, req.Groups = merged, s.groups
			if !merged {
				req.Groups = s.groups[:1]
			}
			return s.Page(t.Context(), req)
		}
		older, err := request(pagingtest.Request{First: int(n), Last: -1, After: cursor})
		newer, other := request(pagingtest.Request{First: -1, Last: int(n), Before: cursor})
		if err != nil || other != nil {
			expectCursorError(t, err)
			expectCursorError(t, other)
			return
		}
		around(t, cursor, rows, newer, older, int(n))
	})
}

// expectCursorError fails t unless err has one of the codes of cursor errors.
func expectCursorError(t *testing.T, err error) {
	var coded *pagingtest.CodedError
	if !errors.As(err, &coded) || !slices.Contains([]string{"BAD_USER_INPUT", "CURSOR_MISMATCH", "CURSOR_EXPIRED"}, coded.Code) {
		t.Fatalf("error %v", err)
	}
}

// around checks that two pages are adjacent in rows, with nothing but the cursor's own row between them.
func around(t *testing.T, cursor string, rows []pagingtest.Row, newer, older pagingtest.Response, n int) {
	end := len(rows) // of the rows before the place, if there are any, and start of those after it
	start := end
	if len(older.Rows) > 0 {
		start = slices.Index(rows, older.Rows[0])
	} else if older.HasNext && n > 0 {
		t.Fatal("an empty page, but more rows follow")
	}
	if n == 0 {
		return
	}
	end = 0
	if len(newer.Rows) > 0 {
		end = slices.Index(rows, newer.Rows[len(newer.Rows)-1]) + 1
	} else if newer.HasPrevious {
		t.Fatal("an empty page, but more rows come before")
	}
	if end == start-1 && rows[end].Cursor == cursor {
		end++
	}
	if end != start {
		t.Fatalf("%q lies between rows %d and %d", cursor, end, start)
	}
	if want := rows[start:min(len(rows), start+n)]; !slices.Equal(older.Rows, want) {
		t.Fatalf("after %q: %v, want %v", cursor, older.Rows, want)
	}
}
