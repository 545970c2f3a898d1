package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/internal/app"
	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
)

const changeSelection = `{ cursor kind activity { logId status addedInstances { instanceId } } }`

// changesOf subscribes to groups; since is empty, or the argument.
func changesOf(since string, groups ...string) string {
	refs := make([]string, len(groups))
	for i, id := range groups {
		refs[i] = fmt.Sprintf("{groupId: %q}", id)
	}
	return fmt.Sprintf("subscription { scalingActivityChanged(groups: [%s] %s) %s }", strings.Join(refs, " "), since, changeSelection)
}

// TestChangesOverEveryTransport subscribes by one transport and goes on by another, in another process.
func TestChangesOverEveryTransport(t *testing.T) {
	t.Parallel()
	e, upstream := newUpstream(t)
	first := startServer(t, "-upstream", upstream, "-project", testProject, "-poll", "100ms")
	second := startServer(t, "-upstream", upstream, "-project", testProject, "-poll", "100ms")
	row := func(id, status string) {
		start := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
		e.Insert(testProject, testGroup, emulator.Row{ID: id, Status: status, Type: "NORMAL", Start: start})
	}
	take := func(l listener, want string) (cursor string) {
		t.Helper()
		h, ok := l.next()
		if !ok || h.String() != want {
			t.Fatalf("got %v %v, want %s", h, ok, want)
		}
		return h.Data.Change.Cursor
	}
	a, b := emulator.ID(1), emulator.ID(2)

	events := byEvents(t, first.base, changesOf("", testGroup))
	row(a, emulator.Doing)
	cursor := take(events, "STARTED "+a)
	events.leave()
	e.Finish(testProject, testGroup, a, emulator.Success, time.Date(2026, 1, 3, 0, 1, 0, 0, time.UTC))
	row(b, emulator.Fail)

	since := fmt.Sprintf("since: %q", cursor)
	socket := bySocket(t, second.base, changesOf(since, testGroup))
	cursor = take(socket, "FINISHED "+a)
	take(socket, "FINISHED "+b)
	socket.leave()

	events = byEvents(t, first.base, changesOf(since, testGroup), "Last-Event-ID", cursor)
	take(events, "FINISHED "+b) // the header counts, not the argument
	events.leave()

	for name, since := range map[string]string{"BAD_USER_INPUT": `since: "no cursor"`, "CURSOR_MISMATCH": fmt.Sprintf(`since: %q filter: {status: FAIL}`, cursor)} {
		refused := byEvents(t, second.base, changesOf(since, testGroup))
		take(refused, name)
		refused.leave()
	}
	stranger := byEvents(t, second.base, changesOf("", testGroup), "X-Auth-Token", "wrong")
	take(stranger, "UNAUTHENTICATED")
	stranger.leave()
}

// The program is stopped while streams are open.
func TestStreamsEndWithTheProgram(t *testing.T) {
	_, upstream := newUpstream(t)
	s := startServer(t, "-upstream", upstream, "-project", testProject)
	var listening sync.WaitGroup
	for name, l := range map[string]listener{"events": byEvents(t, s.base, changesOf("", testGroup)), "socket": bySocket(t, s.base, changesOf("", testGroup))} {
		listening.Go(func() {
			defer l.leave()
			if h, more := l.next(); more {
				t.Errorf("%s: %v", name, h)
			}
		})
	}
	asked := time.Now()
	if got := s.stop(); got != app.ExitOK || time.Since(asked) > 10*time.Second {
		t.Errorf("exit status %d after %v", got, time.Since(asked))
	}
	listening.Wait()
}

const (
	crowd       = 2000
	crowdGroups = 20
	crowdPoll   = time.Second
)

// 2000 subscribers of one process, half of them over WebSockets, receive the same changes.
func TestCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	e, upstream := newUpstream(t)
	groups := make([]string, crowdGroups)
	for i := range groups {
		groups[i] = emulator.ID(9000 + i)
		for n := range 30 {
			start := time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC)
			e.Insert(testProject, groups[i], emulator.Row{Status: emulator.Success, Type: "NORMAL", Start: start, End: start.Add(time.Second)})
		}
	}
	cmd, out, logs := command(t.Context(), build(t), "-listen=127.0.0.1:0", "-upstream", upstream, "-project", testProject, "-poll", crowdPoll.String(), "-admin-listen=127.0.0.1:0", "-log=text")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	base := waitForAddress(t, out)
	admin := &server{base: "http://" + adminAddress.FindStringSubmatch(logs.String())[1]}
	streams := func() float64 {
		return testkit.Metrics(t, admin.do(t, http.MethodGet, "/metrics", "").body)["scalegraph_streams"]
	}

	var endReported atomic.Int64
	var last atomic.Int64 // when the last one received it, Unix nanoseconds
	var listening sync.WaitGroup
	all := make([]listener, crowd)
	for i := range all {
		query := changesOf("", groups[i%crowdGroups])
		if i%2 == 0 {
			all[i] = byEvents(t, base, query)
		} else {
			all[i] = bySocket(t, base, query)
		}
		listening.Go(func() {
			for {
				if _, ok := all[i].next(); !ok {
					return
				}
				endReported.Add(1)
				last.Store(time.Now().UnixNano())
			}
		})
	}
	testkit.Eventually(t, "all streams", func() bool { return streams() == crowd })

	e.Reset()
	began := time.Now()
	time.Sleep(5 * crowdPoll)
	intervals := float64(time.Since(began)) / float64(crowdPoll)
	if calls := e.Count(); float64(calls) > crowdGroups*(intervals+1) {
		t.Errorf("%d calls in %.1f intervals", calls, intervals)
	}
	var polled atomic.Int64 // when the last group's poll brought the change
	e.OnResponse(func(emulator.Response) { polled.Store(time.Now().UnixNano()) })
	for _, group := range groups {
		start := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
		e.Insert(testProject, group, emulator.Row{Status: emulator.Success, Type: "NORMAL", Start: start, End: start.Add(time.Second)})
	}
	testkit.Eventually(t, "everybody to hear of the change", func() bool { return endReported.Load() >= crowd })
	if late := time.Duration(last.Load() - polled.Load()); late > time.Second {
		t.Errorf("the last one heard %v after the poll", late)
	}
	memory := resident(t, cmd)
	t.Logf("%d subscribers: %d MiB are resident; the last heard %v after the poll", crowd, memory>>20, time.Duration(last.Load()-polled.Load()))
	if memory > 300<<20 {
		t.Errorf("%d MiB are resident", memory>>20)
	}

	for _, l := range all {
		l.leave()
	}
	listening.Wait()
	if endReported.Load() != crowd {
		t.Errorf("%d changes were heard", endReported.Load())
	}
	e.OnResponse(nil)
	testkit.Eventually(t, "all streams to end", func() bool { return streams() == 0 })
	testkit.Eventually(t, "all connections to close", func() bool { return sockets(t, cmd) < 100 }) // some are kept for the upstream
	testkit.Eventually(t, "all goroutines to end", func() bool {
		stacks := admin.do(t, http.MethodGet, "/debug/pprof/goroutine?debug=1", "").body
		return !slices.ContainsFunc(requestPackages, func(name string) bool { return strings.Contains(stacks, name) })
	})
	e.Reset()
	time.Sleep(2 * crowdPoll)
	if calls := e.Count(); calls != 0 {
		t.Errorf("%d calls for nobody", calls)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, cmd.Wait()); got != app.ExitOK {
		t.Errorf("exit status %d\n%s", got, logs)
	}
}

var adminAddress = regexp.MustCompile(`serving metrics and pprof.* address=(\S+)`)

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident returns the resident memory of a process in bytes; 0 if the system does not report it.
func resident(t *testing.T, cmd *exec.Cmd) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return 0
	}
	found := residentLine.FindSubmatch(status)
	if found == nil {
		return 0
	}
	kB, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return kB << 10
}

// sockets returns how many sockets a process has open.
func sockets(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", cmd.Process.Pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Skip("the system does not tell which sockets a process has")
	}
	n := 0
	for _, entry := range entries {
		if to, err := os.Readlink(dir + "/" + entry.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// One of two processes that share a Redis is killed. Subscribers of the other one receive every change once, and its own subscribers resume
// there.
func TestReplicas(t *testing.T) {
	t.Parallel()
	shared := redistest.Start(t)
	e, upstream := newUpstream(t)
	path := build(t)
	begin := func() (*exec.Cmd, string) {
		cmd, out, _ := command(t.Context(), path, "-listen=127.0.0.1:0", "-upstream", upstream, "-project", testProject, "-poll=200ms", patient, "-redis-url", shared.URL())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, waitForAddress(t, out)
	}
	doomed, doomedBase := begin()
	other, otherBase := begin()
	a := byEvents(t, doomedBase, changesOf("", testGroup))
	b := byEvents(t, otherBase, changesOf("", testGroup))
	defer b.leave()
	happens := func(n int) string {
		start := time.Date(2026, 1, 3, 0, n, 0, 0, time.UTC)
		e.Insert(testProject, testGroup, emulator.Row{ID: emulator.ID(n), Status: emulator.Success, Type: "NORMAL", Start: start, End: start})
		return "FINISHED " + emulator.ID(n)
	}
	cursor := ""
	for n := range 3 {
		want := happens(n)
		for name, l := range map[string]listener{"a": a, "b": b} {
			h, ok := l.next()
			if !ok || h.String() != want {
				t.Fatalf("%s heard %v, want %s", name, h, want)
			}
			if name == "a" {
				cursor = h.Data.Change.Cursor
			}
		}
	}
	if err := doomed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = doomed.Wait()
	a.leave()
	want := happens(3)
	a = byEvents(t, otherBase, changesOf(fmt.Sprintf("since: %q", cursor), testGroup))
	defer a.leave()
	for range 2 {
		for name, l := range map[string]listener{"a": a, "b": b} {
			if h, ok := l.next(); !ok || h.String() != want {
				t.Fatalf("%s heard %v, want %s", name, h, want)
			}
		}
		want = happens(4)
	}
	if err := other.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, other.Wait()); got != app.ExitOK {
		t.Errorf("exit status %d", got)
	}
}
