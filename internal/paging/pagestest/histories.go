package pagestest

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// Open puts the stack under test over an emulator. It is called in a synctest bubble, so no part of the stack may use sockets.
type Open func(t testing.TB, e *emulator.Emulator) Browser

// Run checks about so many histories. They are the same ones every time; -rapid.seed asks for others.
func Run(t *testing.T, histories int, open Open) {
	const (
		batch  = 100    // what rapid checks in one go
		stride = 10_000 // between the seeds of two batches, more than rapid uses up in one
	)
	seed := flag.Lookup("rapid.seed").Value
	given := seed.String()
	first, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	for n := range (histories + batch - 1) / batch {
		t.Run(fmt.Sprintf("histories %d-%d", n*batch, (n+1)*batch-1), func(t *testing.T) {
			if err := seed.Set(strconv.FormatUint(max(1, first)+stride*uint64(n), 10)); err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(rt *rapid.T) { inBubble(t, rt, open) })
		})
	}
	_ = seed.Set(given)
}

// A failure is what a history that went wrong panics with. Rapid tells failures apart by where they come from, and must see
// them outside of the bubble, in another place than its own way of ending an attempt.
type failure string

// inBubble checks a history where time passes at once.
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

// check drives one history.
func check(t testing.TB, rt *rapid.T, open Open) {
	h := newHistory(rt)
	h.browser = open(t, h.emulator)
	for range rapid.IntRange(1, 4).Draw(rt, "legs") {
		h.leg()
	}
}

// A state is what the filter let through between two changes.
type state struct {
	from time.Time
	rows []upstream.FeedPoint // in the order of the feed
}

// A history is one log, or several, the changes they go through, and a client that walks them meanwhile.
type history struct {
	*rapid.T
	emulator *emulator.Emulator
	browser  Browser
	groups   []upstream.Group
	merged   bool
	filter   upstream.Filter
	turmoil  int   // one in so many upstream calls finds the log changed just before; 0: none
	steps    []int // seconds from one row to the next, any of them as likely

	calls int // that the last answer took

	mu      sync.Mutex // calls run side by side
	rng     *rapidLike
	next    int // number of the next row
	states  []state
	cursors map[upstream.FeedPoint]string
	places  []Row  // some rows seen, to start from again
	last    Answer // the last one with rows
	back    bool   // the direction of the last leg
}

const project, region = "p", "r"

// most is how many rows of one second can be handed out.
const most = upstream.MaxLimit - 2

// Seconds from one row to the next.
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
	h.rng = newRapidLike(rapid.Uint64().Draw(rt, "seed of the changes"))
	for _, g := range h.groups {
		h.insert(g, rapid.SampledFrom([]int{0, 1, 5, 40, 99, 120, 350, 1200}).Draw(rt, "rows"))
	}
	h.remember()
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
		LimitZero:     emulator.LimitZeroRefused, // so that a limit of 0 is found out, see ask

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

// leg walks some pages in one direction from one place, perhaps no further than another place.
func (h *history) leg() {
	ask := Ask{Groups: h.groups, Merged: h.merged, Filter: h.filter, First: -1, Last: -1}
	back := rapid.Bool().Draw(h.T, "backward")
	place := rapid.SampledFrom([]string{"end", "row", "row", "turn", "turn", "offset"}).Draw(h.T, "from")
	l := &leg{history: h}
	switch {
	case place == "turn" && len(h.last.Rows) > 0: // back from where the last page ended, or on from where it began
		back = !h.back
		l.from = h.begin(&ask, back, h.edge(rapid.Bool().Draw(h.T, "near edge")))
	case place == "row" && len(h.places) > 0:
		l.from = h.begin(&ask, back, rapid.SampledFrom(h.places).Draw(h.T, "row"))
	case place == "offset" && !back && !h.merged:
		ask.Offset = rapid.IntRange(1, 200).Draw(h.T, "offset")
	}
	if ask.Offset == 0 && len(h.places) > 0 && rapid.IntRange(0, 4).Draw(h.T, "bounded") == 0 {
		l.bound = h.begin(&ask, !back, rapid.SampledFrom(h.places).Draw(h.T, "bound"))
	}
	h.back, l.back = back, back
	l.walk(ask)
}

// begin makes a walk begin after a row, or before it, and returns the row's place.
func (h *history) begin(ask *Ask, back bool, row Row) *upstream.FeedPoint {
	if back {
		ask.Before = row.Cursor
	} else {
		ask.After = row.Cursor
	}
	return &row.Place
}

// edge returns the first or the last row of the last answer.
func (h *history) edge(first bool) Row {
	if first {
		return h.last.Rows[0]
	}
	return h.last.Rows[len(h.last.Rows)-1]
}

// walk asks for page after page.
func (l *leg) walk(ask Ask) {
	size := rapid.SampledFrom([]int{0, 1, 2, 5, 20, 50, 97, 98, 99, 100, 101, 250, 500})
	for range rapid.IntRange(1, 6).Draw(l.T, "pages") {
		n := size.Draw(l.T, "size")
		ask.First, ask.Last = n, -1
		if l.back {
			ask.First, ask.Last = -1, n
		}
		answer := l.ask(ask)
		l.page(ask, answer)
		if l.over {
			break
		}
		if len(answer.Rows) > 0 {
			ask.Offset = 0
			l.begin(&ask, l.back, l.edge(l.back))
		}
		l.pause()
	}
	l.complete()
}

// pause lets some time pass, in which the log may change.
func (h *history) pause() {
	time.Sleep(time.Duration(rapid.SampledFrom([]int{1, 1, 2, 7, 30}).Draw(h.T, "seconds")) * time.Second)
	for range rapid.IntRange(0, 3).Draw(h.T, "changes") {
		h.mu.Lock()
		h.change()
		h.mu.Unlock()
		time.Sleep(time.Second)
	}
}

// delay gives each of the calls that run side by side a time of its own, so that a history goes the same way every time.
func delay(r emulator.Request) time.Duration {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(r.Path + r.RawQuery))
	return time.Duration(1+sum.Sum32()%1_000_000) * time.Nanosecond
}

// disturb changes the log while a page is being put together.
func (h *history) disturb() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.turmoil > 0 && h.rng.intN(h.turmoil) == 0 {
		h.change()
	}
}

// change does one of the things that happen to a log. The lock is held, but while the log is set up.
func (h *history) change() {
	g := h.groups[h.rng.intN(len(h.groups))]
	switch h.rng.intN(5) {
	case 0:
		h.insert(g, 1+h.rng.intN(3))
	case 1:
		h.insert(g, []int{1, 30, 120}[h.rng.intN(3)])
	case 2:
		h.emulator.Expire(project, g.ID, 1+h.rng.intN(4))
	case 3: // insert and expiry cancel in the total
		n := 1 + h.rng.intN(3)
		h.insert(g, n)
		h.emulator.Expire(project, g.ID, n)
	case 4: // an old activity ends, which may bring it into the filter or take it out; the oldest row goes at the same time
		h.finish(g)
		if h.rng.intN(2) == 0 {
			h.emulator.Expire(project, g.ID, 1)
		}
	}
	h.remember()
}

// insert adds rows at the head, sometimes several in one second.
func (h *history) insert(g upstream.Group, n int) {
	rows := h.emulator.Rows(project, g.ID)
	start := epoch
	if len(rows) > 0 {
		start = rows[0].Start
	}
	if h.rng.intN(2) == 0 { // in one second with another group's newest row, or later
		start = h.newest(start)
	}
	kinds, states := append(emulator.Types(), emulator.Normal, emulator.Normal, emulator.Normal, emulator.ManualAdd), []string{"SUCCESS", "SUCCESS", "SUCCESS", "FAIL", "DOING"}
	added := make([]emulator.Row, n)
	ties := slices.IndexFunc(rows, func(r emulator.Row) bool { return r.Start.Before(start) })
	if ties < 0 {
		ties = len(rows)
	}
	for i := range added {
		if step := h.steps[h.rng.intN(len(h.steps))]; step > 0 || ties == most {
			start, ties = start.Add(time.Duration(max(1, step))*time.Second), 0
		}
		ties++
		added[i] = emulator.Row{
			ID: emulator.ID(scramble(h.next)), Type: kinds[h.rng.intN(len(kinds))], Status: states[h.rng.intN(len(states))],
			Start: start, End: start.Add(time.Duration(1+h.rng.intN(300)) * time.Second),
		}
		h.next++
	}
	h.emulator.Insert(project, g.ID, added...)
}

// newest returns when the newest row of all groups started, and start where that is later.
func (h *history) newest(start time.Time) time.Time {
	for _, g := range h.groups {
		if rows := h.emulator.Rows(project, g.ID); len(rows) > 0 && rows[0].Start.After(start) {
			start = rows[0].Start
		}
	}
	return start
}

// scramble makes ids of one second come in another order than the rows.
func scramble(n int) int { return (n*7919 + 13) % 1_000_003 }

func (h *history) finish(g upstream.Group) {
	var doing []emulator.Row
	for _, row := range h.emulator.Rows(project, g.ID) {
		if row.Status == emulator.Doing {
			doing = append(doing, row)
		}
	}
	if len(doing) > 0 {
		row := doing[h.rng.intN(len(doing))]
		status := []string{emulator.Success, emulator.Fail}[h.rng.intN(2)]
		h.emulator.Finish(project, g.ID, row.ID, status, row.Start.Add(time.Duration(1+h.rng.intN(900))*time.Second))
	}
}

// remember notes what the filter lets through from now on.
func (h *history) remember() {
	f := emulator.Filter{Start: h.filter.StartTime, End: h.filter.EndTime, Status: string(h.filter.Status)}
	for _, t := range h.filter.Types {
		f.Types = append(f.Types, wire(t))
	}
	s := state{from: time.Now()}
	for _, g := range h.groups {
		for _, row := range h.emulator.Match(project, g.ID, f) {
			s.rows = append(s.rows, upstream.FeedPoint{Second: row.Start.Unix(), Group: g, LogID: row.ID})
		}
	}
	slices.SortFunc(s.rows, upstream.FeedPoint.Compare)
	h.states = append(h.states, s)
}

// wire spells a type as the emulator's record does.
func wire(t upstream.Type) string {
	if rest, ok := strings.CutPrefix(string(t), "MANUAL_"); ok {
		return "MANNUAL_" + rest
	}
	return string(t)
}

// ask asks and checks what holds for every answer alone.
func (h *history) ask(ask Ask) Answer {
	before := h.emulator.Count()
	answer, err := h.browser.Page(context.Background(), ask)
	h.calls = h.emulator.Count() - before
	if err != nil {
		h.Fatalf("%+v: %v, after the calls %v", ask, err, h.latestCalls())
	}
	if answer.Stale || len(answer.Unavailable) > 0 {
		h.Fatalf("nothing failed, but %+v", answer)
	}
	h.Logf("first %d last %d after %q before %q offset %d: %d rows of %d", ask.First, ask.Last, ask.After, ask.Before, ask.Offset, len(answer.Rows), answer.Total)
	for i, row := range answer.Rows {
		if i > 0 && answer.Rows[i-1].Place.Compare(row.Place) >= 0 {
			h.Fatalf("rows %d and %d are out of order: %v %v", i-1, i, answer.Rows[i-1].Place, row.Place)
		}
		if c, ok := h.cursors[row.Place]; ok && c != row.Cursor {
			h.Fatalf("the row %v has two cursors: %q and %q", row.Place, c, row.Cursor)
		}
		h.cursors[row.Place] = row.Cursor
	}
	if len(answer.Rows) > 0 {
		h.last = answer
		h.places = append(h.places, answer.Rows[0], answer.Rows[len(answer.Rows)/2], answer.Rows[len(answer.Rows)-1])
	}
	return answer
}

// latestCalls says what was asked upstream for the last answer: group, offset, limit and total.
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

// since returns the states that a row must have been in to be seen by one who was shown asOf: those from then on.
func (h *history) since(asOf time.Time) []state {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.states {
		if i+1 == len(h.states) || !h.states[i+1].from.Before(asOf) {
			return slices.Clone(h.states[i:])
		}
	}
	return nil
}

// A leg is a walk in one direction, page after page.
type leg struct {
	*history
	back  bool
	from  *upstream.FeedPoint  // nil: an end of the log, or an offset
	bound *upstream.FeedPoint  // where it must end; nil: at an end of the log
	seen  []upstream.FeedPoint // in the direction of the walk
	asOf  time.Time            // the oldest shown
	over  bool
	after bool // the first page was asked for by offset: what lies before its first row is not expected
}

func (l *leg) page(ask Ask, a Answer) {
	if l.asOf.IsZero() || a.AsOf.Before(l.asOf) {
		l.asOf = a.AsOf
	}
	places := make([]upstream.FeedPoint, len(a.Rows))
	for i, row := range a.Rows {
		places[i] = row.Place
	}
	l.info(places, ask, a)
	if l.back {
		slices.Reverse(places)
	}
	for _, p := range places {
		if last := l.latest(); last != nil && !l.follows(*last, p) {
			l.Fatalf("%v comes after %v, which the walk has passed", p, *last)
		}
		if l.bound != nil && !l.follows(p, *l.bound) {
			l.Fatalf("%v comes after the bound %v", p, *l.bound)
		}
		l.seen = append(l.seen, p)
	}
	l.after = l.after || ask.Offset > 0
	more := a.HasNext
	if l.back {
		more = a.HasPrevious
	}
	n := max(ask.First, ask.Last)
	if more && len(a.Rows) < n && l.bound == nil {
		l.Fatalf("%d rows of %d asked, but more are said to follow", len(a.Rows), n)
	}
	if len(a.Rows) > n {
		l.Fatalf("%d rows, where %d were asked for", len(a.Rows), n)
	}
	l.over = n > 0 && (!more || len(a.Rows) == 0 || l.bound != nil && len(a.Rows) < n)
}

func (l *leg) latest() *upstream.FeedPoint {
	if len(l.seen) > 0 {
		return &l.seen[len(l.seen)-1]
	}
	return l.from
}

// follows reports whether q comes after p in the direction of the walk.
func (l *leg) follows(p, q upstream.FeedPoint) bool {
	if l.back {
		p, q = q, p
	}
	return p.Compare(q) < 0
}

// info checks that what a page says of its surroundings was true at one moment between asOf and the answer. In a merged feed
// that holds for each group, since no two groups can be read at once. If the log changes between the calls that a page of 100
// rows or more takes, what is behind its last row, in the direction of the walk or of time, may have been true at a moment of
// its own.
func (l *leg) info(places []upstream.FeedPoint, ask Ask, a Answer) {
	told := outlook{a.Total, a.HasPrevious, a.HasNext}
	possible := map[outlook]bool{{}: true}
	for _, g := range l.groups {
		sums := map[outlook]bool{}
		for _, s := range l.since(a.AsOf) {
			here := l.around(s.of(g), places, ask)
			for o := range possible {
				sums[outlook{o.total + here.total, o.newer || here.newer, o.older || here.older}] = true
			}
		}
		possible = sums
	}
	ok := possible[told]
	if l.turmoil > 0 && l.calls > 1 && max(ask.First, ask.Last) >= upstream.MaxLimit {
		ok = apart(told, possible)
	}
	if !ok {
		l.Fatalf("%+v was true at no moment since %v, but %v, after the calls %v", told, a.AsOf, possible, l.latestCalls())
	}
}

// apart reports whether one side was true at some moment, and the other side together with the total at some moment.
func apart(told outlook, possible map[outlook]bool) bool {
	var newer, older, withNewer, withOlder bool
	for o := range possible {
		newer, older = newer || o.newer == told.newer, older || o.older == told.older
		withNewer = withNewer || o.total == told.total && o.newer == told.newer
		withOlder = withOlder || o.total == told.total && o.older == told.older
	}
	return withNewer && older || withOlder && newer
}

// An outlook is what a page says of its surroundings.
type outlook struct {
	total        int
	newer, older bool
}

// of returns the rows of one group.
func (s state) of(g upstream.Group) []upstream.FeedPoint {
	return slices.DeleteFunc(slices.Clone(s.rows), func(p upstream.FeedPoint) bool { return p.Group != g })
}

func (l *leg) around(rows, places []upstream.FeedPoint, ask Ask) outlook {
	o := outlook{total: len(rows)}
	if len(rows) == 0 {
		return o
	}
	newest, oldest := rows[0], rows[len(rows)-1]
	switch p := l.latest(); {
	case len(places) > 0:
		o.newer, o.older = newest.Compare(places[0]) < 0, oldest.Compare(places[len(places)-1]) > 0
	case p != nil && l.back: // just before p
		o.newer, o.older = newest.Compare(*p) < 0, oldest.Compare(*p) >= 0
	case p != nil: // just after p
		o.newer, o.older = newest.Compare(*p) <= 0, oldest.Compare(*p) > 0
	case l.back:
		o.newer = true
	default:
		o.newer, o.older = ask.Offset > 0, len(rows) > ask.Offset
	}
	return o
}

// complete checks that the leg saw every row on its way that was there all the time.
func (l *leg) complete() {
	states := l.since(l.asOf)
	expected := states[0].rows
	for _, s := range states[1:] {
		expected = slices.DeleteFunc(slices.Clone(expected), func(p upstream.FeedPoint) bool {
			_, ok := slices.BinarySearchFunc(s.rows, p, upstream.FeedPoint.Compare)
			return !ok
		})
	}
	seen := make(map[upstream.FeedPoint]bool, len(l.seen))
	for _, p := range l.seen {
		seen[p] = true
	}
	for _, p := range expected {
		if !seen[p] && l.passed(p) {
			l.Fatalf("the row %v was there from %v to the end of the walk, and was not seen", p, l.asOf)
		}
	}
}

// passed reports whether p lies on the way that the leg went.
func (l *leg) passed(p upstream.FeedPoint) bool {
	switch {
	case l.from != nil && !l.follows(*l.from, p), l.bound != nil && !l.follows(p, *l.bound):
		return false
	case l.after && (len(l.seen) == 0 || p.Compare(l.seen[0]) < 0):
		return false
	case l.over:
		return true
	}
	return len(l.seen) > 0 && !l.follows(l.seen[len(l.seen)-1], p)
}
