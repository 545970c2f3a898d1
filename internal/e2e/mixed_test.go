package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
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
	"scalegraph/upstream/emulator/emulatortest"
)

var oldCommit = flag.String("old", "", "a commit whose program shares a Redis with the current one in TestMixedVersions")

const (
	mixedConnections = 8
	mixedRows        = 400
)

// TestMixedVersions replaces two replicas of an older version that share one Redis by the current version, one after the other, and back, under
// load: no request fails, and every page is one that the log had.
func TestMixedVersions(t *testing.T) {
	if *oldCommit == "" {
		t.Skip("needs -old, see make mixed")
	}
	older, current := buildCommit(t, *oldCommit), build(t)
	e := emulator.New(emulator.Switches{})
	e.AddToken(testToken, testProject)
	for i := range mixedRows {
		e.Insert(testProject, testGroup, minute(i))
	}
	m := &mixed{T: t, upstream: emulatortest.Serve(t, e), redis: redistest.Start(t).URL(), log: e}
	m.replace(0, older)
	m.replace(1, older)
	l := m.load()
	for _, program := range []string{current, older} {
		for i := range m.replicas {
			m.serveSome(l)
			m.replace(i, program)
		}
	}
	m.serveSome(l)
	l.stop()
	for _, wrong := range l.wrong {
		t.Error(wrong)
	}
	t.Logf("%d responses, %d rows in the end", l.done.Load(), len(e.Rows(testProject, testGroup)))
}

// buildCommit builds the program of a commit.
func buildCommit(t *testing.T, commit string) string {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "git", "-C", root, "cat-file", "-e", commit+"^{commit}").Run(); err != nil {
		t.Fatalf("this clone has no commit %s: fetch the whole history", commit)
	}
	source := t.TempDir()
	archive, err := exec.CommandContext(t.Context(), "git", "-C", root, "archive", commit).Output()
	if err != nil {
		t.Fatal(err)
	}
	unpack := exec.CommandContext(t.Context(), "tar", "-x", "-C", source)
	unpack.Stdin = bytes.NewReader(archive)
	path := filepath.Join(t.TempDir(), "scalegraph")
	compile := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, ".")
	compile.Dir = source
	for _, cmd := range []*exec.Cmd{unpack, compile} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return path
}

// mixed is two replicas behind a load balancer that knows which of them serves.
type mixed struct {
	*testing.T
	upstream, redis string
	log             *emulator.Emulator

	mu       sync.RWMutex // read while a request is in flight to a replica
	replicas [2]mixedReplica
}

type mixedReplica struct {
	cmd  *exec.Cmd
	base string
}

// replace ends a replica once its requests are answered, and starts a program in its place.
func (m *mixed) replace(i int, program string) {
	m.Helper()
	cmd, out, logs := command(context.Background(), program, "-listen=127.0.0.1:0", "-upstream", m.upstream, "-project", testProject,
		"-redis-url", m.redis, patient, "-fresh=50ms", "-stale=100ms", "-log=json")
	if err := cmd.Start(); err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() { // does nothing after a regular end
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	next := mixedReplica{cmd, waitForAddress(m.T, out)}
	m.mu.Lock()
	last := m.replicas[i]
	m.replicas[i] = next
	m.mu.Unlock()
	if last.cmd == nil {
		return
	}
	if err := last.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		m.Fatal(err)
	}
	if got := statusOf(m.T, last.cmd.Wait()); got != app.ExitOK {
		m.Errorf("exit status %d\n%s", got, logs)
	}
}

// mixedLoad reads pages over several connections until it is stopped.
type mixedLoad struct {
	done  atomic.Int64
	stop  func()
	mu    sync.Mutex
	wrong []string
}

func (m *mixed) load() *mixedLoad {
	l := &mixedLoad{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for n := range mixedConnections {
		running.Go(func() {
			for i := n; ctx.Err() == nil; i++ {
				if wrong := m.read(i); wrong != "" {
					l.mu.Lock()
					l.wrong = append(l.wrong, wrong)
					l.mu.Unlock()
				}
				l.done.Add(1)
			}
		})
	}
	running.Go(func() { // the log grows meanwhile
		for i := mixedRows; ctx.Err() == nil; i++ {
			m.log.Insert(testProject, testGroup, minute(i))
			select {
			case <-time.After(40 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	l.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	m.Cleanup(l.stop)
	return l
}

// serveSome waits until both replicas have served many requests, so that each has read what the other wrote.
func (m *mixed) serveSome(l *mixedLoad) {
	enough := l.done.Load() + 400
	testkit.Eventually(m.T, "requests flow", func() bool { return l.done.Load() >= enough })
}

// read reads one page through one of the replicas and returns what is wrong with it; empty if nothing is.
func (m *mixed) read(i int) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	offset := i % 7 * 40
	query := fmt.Sprintf(`{scalingGroup(groupId: %q) {activities(first: 20, offset: %d) {totalCount nodes {logId startTime}}}}`, testGroup, offset)
	body, _ := json.Marshal(map[string]string{"query": query})
	req, err := http.NewRequest(http.MethodPost, m.replicas[i%2].base+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", testToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return m.check(offset, string(text))
}

// check compares a page with the log, at whose head rows are added: it must be the page that was at the offset at some moment. The total may belong to
// another moment, as it does now and then in versions before 0.1.
func (m *mixed) check(offset int, text string) string {
	var got struct {
		Data struct {
			ScalingGroup struct {
				Activities struct {
					TotalCount int
					Nodes      []struct{ LogID string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || strings.Contains(text, `"errors"`) {
		return fmt.Sprintf("offset %d: %.300s", offset, text)
	}
	page, rows := got.Data.ScalingGroup.Activities, m.log.Rows(testProject, testGroup)
	if page.TotalCount > len(rows) || page.TotalCount < mixedRows || len(page.Nodes) != 20 {
		return fmt.Sprintf("offset %d: %d rows, total %d of %d", offset, len(page.Nodes), page.TotalCount, len(rows))
	}
	first := slices.IndexFunc(rows, func(r emulator.Row) bool { return r.ID == page.Nodes[0].LogID })
	if first < offset {
		return fmt.Sprintf("offset %d of %d: begins with row %d of %d", offset, page.TotalCount, first, len(rows))
	}
	for i, n := range page.Nodes {
		if n.LogID != rows[first+i].ID {
			return fmt.Sprintf("offset %d of %d: row %d is %s, want %s", offset, page.TotalCount, i, n.LogID, rows[first+i].ID)
		}
	}
	return ""
}
