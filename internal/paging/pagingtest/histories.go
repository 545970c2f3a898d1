package pagingtest

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// Open returns the stack under test with an emulator as its upstream. It is called in a synctest bubble, so no part of the stack may use
// sockets.
type Open func(t testing.TB, e *emulator.Emulator) Browser

// Run checks the given number of histories, rounded up to a multiple of 100. They are the same ones in every run unless -rapid.seed is
// set. With -short it checks a tenth of them.
func Run(t *testing.T, histories int, open Open) {
	const (
		batch  = 100    // histories that rapid checks in one run
		stride = 10_000 // between the seeds of two batches; rapid uses fewer seeds in one
	)
	seed := flag.Lookup("rapid.seed").Value
	given := seed.String()
	first, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	batches := (histories + batch - 1) / batch
	if testing.Short() {
		batches = (batches + 1) / 2 // and rapid checks a fifth of each
	}
	for n := range batches {
		t.Run(fmt.Sprintf("histories %d-%d", n*batch, (n+1)*batch-1), func(t *testing.T) {
			if err := seed.Set(strconv.FormatUint(max(1, first)+stride*uint64(n), 10)); err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(rt *rapid.T) { inBubble(t, rt, open) })
		})
	}
	_ = seed.Set(given)
}

// A failure is the panic value of a history that failed. rapid distinguishes failures by their stack, so they are reported to it outside
// of the bubble, apart from the panics by which rapid ends an attempt.
type failure string

// inBubble checks a history with synthetic time.
func inBubble(t *testing.T, rt *rapid.T, open Open) {
	var panicked any
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			panicked = recover()
			if bug, ok := panicked.(runtime.Error); ok {
				panicked = failure(fmt.Sprintf("%v\n%s", bug, debug.Stack()))
			}
		}()
		check(t, rt, open)
	})
	if f, ok := panicked.(failure); ok {
		rt.Fatal(string(f))
	}
	if panicked != nil {
		panic(panicked)
	}
}

// check opens the stack and checks one history.
func check(t testing.TB, rt *rapid.T, open Open) {
	h := newHistory(rt)
	h.browser = open(t, h.emulator)
	for range rapid.IntRange(1, 4).Draw(rt, "legs") {
		h.leg()
	}
}

// A history is one or more logs that change while a client pages through them.
type history struct {
	*rapid.T
	emulator *emulator.Emulator
	browser  Browser
	groups   []upstream.Group
	merged   bool
	filter   upstream.Filter
	turmoil  int   // on average one in so many upstream calls is preceded by a change; 0: none
	steps    []int // seconds between consecutive rows, equally likely

	calls int // upstream calls for the last response

	mu      sync.Mutex // guards the fields below: upstream calls run concurrently
	rng     *rand.Rand // for concurrent calls, from which rapid must not draw
	next    int        // number of the next row
	states  []state
	cursors map[upstream.FeedPoint]string
	visited []Row    // some returned rows, to start from
	last    Response // the last one with rows
	back    bool     // the direction of the last leg
}

const project, region = "p", "r"

// maxTies is the maximum number of rows in one second that paging supports.
const maxTies = upstream.MaxLimit - 2

// Seconds between consecutive rows.
var (
	usual   = []int{0, 0, 1, 1, 2, 3, 20}
	crowded = append(make([]int, 60), 1, 1, 2) // many seconds have more rows than a page
	bursts  = []int{0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 60, 3600, 86400}
)

// epoch is the start of the oldest rows.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func newHistory(rt *rapid.T) *history {
	h := &history{T: rt, cursors: map[upstream.FeedPoint]string{}}
	h.emulator = emulator.New(drawSwitches(rt))
	h.merged = rapid.IntRange(0, 3).Draw(rt, "merged") == 0
	groups := 1
	if h.merged {
		groups = rapid.IntRange(1, 4).Draw(rt, "groups")
	}
	for n := range groups {
		g := upstream.Group{Region: region, Project: project, ID: fmt.Sprintf("g%d", n)}
		h.groups = append(h.groups, g)
		h.emulator.AddGroup(project, g.ID)
	}
	h.filter = h.drawFilter()
	h.turmoil = rapid.SampledFrom([]int{0, 0, 3, 1}).Draw(rt, "turmoil")
	h.steps = map[string][]int{"usual": usual, "crowded": crowded, "bursts": bursts}[rapid.SampledFrom([]string{"usual", "usual", "crowded", "bursts"}).Draw(rt, "steps")]
	h.rng = rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed of the changes"), 1))
	for _, g := range h.groups {
		h.insert(g, rapid.SampledFrom([]int{0, 1, 5, 40, 99, 120, 350, 1200}).Draw(rt, "rows"))
	}
	begin := state{from: time.Now()}
	for _, g := range h.groups {
		begin.groups = append(begin.groups, h.points(g, 0))
	}
	h.states = append(h.states, begin)
	h.emulator.OnRequest(func(r emulator.Request) {
		time.Sleep(delay(r))
		h.disturb()
	})
	return h
}

func drawSwitches(rt *rapid.T) emulator.Switches {
	return emulator.Switches{
		Access:        emulator.AccessOpen,
		Compression:   emulator.GzipNever, // a transport without sockets does not decompress
		Window:        rapid.SampledFrom([]emulator.Window{emulator.WindowPair, emulator.WindowStart, emulator.WindowEnd}).Draw(rt, "window"),
		DoingInWindow: rapid.SampledFrom([]emulator.DoingInWindow{emulator.DoingOut, emulator.DoingIn}).Draw(rt, "doing in window"),
		Bounds:        rapid.SampledFrom([]emulator.Bounds{emulator.BoundsInclusive, emulator.BoundsExclusive, emulator.BoundsHalfOpen}).Draw(rt, "bounds"),
		Ties:          rapid.SampledFrom([]emulator.Ties{emulator.TiesNewestFirst, emulator.TiesOldestFirst, emulator.TiesByID, emulator.TiesUnstable}).Draw(rt, "ties"),
		Seed:          rapid.Uint64().Draw(rt, "seed of the ties"),
		LimitZero:     emulator.LimitZeroRefused, // so that a request with a limit of 0 fails

		Spelling:       rapid.SampledFrom([]emulator.Spelling{emulator.SpellMannual, emulator.SpellManual}).Draw(rt, "spelling"),
		FilterSpelling: rapid.SampledFrom([]emulator.FilterSpelling{emulator.FilterMannual, emulator.FilterEither}).Draw(rt, "filter spelling"),
		ScalingValue:   rapid.SampledFrom([]emulator.ScalingValue{emulator.ScalingNumber, emulator.ScalingText}).Draw(rt, "scaling value"),
		DoingEnd:       rapid.SampledFrom([]emulator.DoingEnd{emulator.EndAbsent, emulator.EndNull, emulator.EndEmpty}).Draw(rt, "doing end"),
		Fractions:      rapid.SampledFrom([]emulator.Fractions{emulator.WholeSeconds, emulator.Milliseconds}).Draw(rt, "fractions"),
		Lists:          rapid.SampledFrom([]emulator.Lists{emulator.ListsByType, emulator.ListsNull, emulator.ListsEmpty, emulator.ListsAbsent}).Draw(rt, "lists"),
	}
}

func (h *history) drawFilter() upstream.Filter {
	var f upstream.Filter
	switch rapid.SampledFrom([]string{"", "", "success", "doing", "type", "types and status", "from", "to", "window and status"}).Draw(h.T, "filter") {
	case "success":
		f.Status = upstream.StatusSuccess
	case "doing":
		f.Status = upstream.StatusDoing
	case "type":
		f.Types = []upstream.Type{upstream.TypeNormal, upstream.TypeManualAdd}
	case "types and status":
		f.Types = upstream.Types()[1:8]
		f.Status = upstream.StatusSuccess
	case "from":
		f.StartTime = epoch.Add(time.Duration(rapid.IntRange(0, 400).Draw(h.T, "from")) * time.Second)
	case "to":
		f.EndTime = epoch.Add(time.Duration(rapid.IntRange(0, 2000).Draw(h.T, "to")) * time.Second)
	case "window and status":
		f.Status = upstream.StatusFail
		f.StartTime, f.EndTime = epoch, epoch.Add(time.Hour)
	}
	return upstream.NewFilter(f)
}

// request requests a page and checks everything that does not depend on other pages.
func (h *history) request(req Request) Response {
	before := h.emulator.Count()
	resp, err := h.browser.Page(context.Background(), req)
	h.calls = h.emulator.Count() - before
	if err != nil {
		h.Fatalf("%+v: %v, after the calls %v", req, err, h.latestCalls())
	}
	if resp.Stale || len(resp.Unavailable) > 0 {
		h.Fatalf("nothing failed, but %+v", resp)
	}
	h.Logf("first %d last %d after %q before %q offset %d: %d rows of %d", req.First, req.Last, req.After, req.Before, req.Offset, len(resp.Rows), resp.Total)
	for i, row := range resp.Rows {
		if i > 0 && resp.Rows[i-1].Point.Compare(row.Point) >= 0 {
			h.Fatalf("rows %d and %d are out of order: %v %v", i-1, i, resp.Rows[i-1].Point, row.Point)
		}
		if c, ok := h.cursors[row.Point]; ok && c != row.Cursor {
			h.Fatalf("the row %v has two cursors: %q and %q", row.Point, c, row.Cursor)
		}
		h.cursors[row.Point] = row.Cursor
	}
	if len(resp.Rows) > 0 {
		h.last = resp
		h.visited = append(h.visited, resp.Rows[0], resp.Rows[len(resp.Rows)/2], resp.Rows[len(resp.Rows)-1])
	}
	return resp
}

// latestCalls describes the upstream calls for the last response: group, offset, limit and total.
func (h *history) latestCalls() []string {
	all := h.emulator.Requests()
	var calls []string
	for _, r := range all[max(0, len(all)-h.calls):] {
		calls = append(calls, fmt.Sprintf("%s %d+%d/%d", r.Group, r.Offset, r.Limit, r.Total))
	}
	return calls
}

// Fatalf ends the history.
func (h *history) Fatalf(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }
