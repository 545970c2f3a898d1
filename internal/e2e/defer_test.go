package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/upstream/emulator"
)

// A slowProxy passes bytes between its port and a server, and holds back each response for a while.
type slowProxy struct {
	net.Listener
	delay atomic.Int64
}

func newSlowProxy(t *testing.T, to string) *slowProxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &slowProxy{Listener: listener}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() {
				defer server.Close()
				_, _ = io.Copy(server, client)
			}()
			go p.back(client, server)
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return p
}

func (p *slowProxy) back(client, server net.Conn) {
	defer client.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		time.Sleep(time.Duration(p.delay.Load()))
		if _, failed := client.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// In both queries the group is to be filled in.
const (
	deferredQuery = `{ scalingGroup(groupId: "%s") { activities(first: 20) { nodes { logId ... @defer { addedInstances { instanceId } failedInstances { failure { details } } } } } } }`
	summaryQuery  = `{ scalingGroup(groupId: "%s") { activities(first: 20) { nodes { logId status } } } }`
)

// inParts sends a query and returns how long the first part and the whole response took, and the response.
func (s *server) inParts(t *testing.T, query string) (first, whole time.Duration, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.base+"/graphql", strings.NewReader(fmt.Sprintf(`{"query":%q}`, query)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "multipart/mixed;deferSpec=20220824, application/json")
	req.Header.Set("X-Auth-Token", testToken)
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	var b strings.Builder
	for {
		c, err := r.ReadByte()
		if err == io.EOF {
			return first, time.Since(began), b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		b.WriteByte(c)
		if first == 0 && strings.HasSuffix(b.String(), "}\r\n--graphql") {
			first = time.Since(began)
		}
	}
}

// manyRows gives a group rows with heavy parts.
func manyRows(e *emulator.Emulator, group string) {
	for i := range 200 {
		start := time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC)
		row := emulator.Row{ID: emulator.ID(i), Status: emulator.Success, Type: "NORMAL", Start: start, End: start.Add(time.Second)}
		for n := range 20 {
			row.Added = append(row.Added, emulator.Instance{ID: fmt.Sprint("i-", n)})
			row.Failed = append(row.Failed, emulator.Instance{Name: fmt.Sprint("n-", n), FailedReason: "quota", FailedDetails: strings.Repeat("x", 200)})
		}
		e.Insert(testProject, group, row)
	}
}

// TestDeferOverAColdPage costs one upstream call, as the same query without @defer does.
func TestDeferOverAColdPage(t *testing.T) {
	e, upstream := newUpstream(t)
	manyRows(e, testGroup)
	s := startServer(t, "-upstream", upstream, "-project", testProject)
	_, _, text := s.inParts(t, fmt.Sprintf(deferredQuery, testGroup))
	if n := strings.Count(text, `"addedInstances":[{`); n != 20-3 || !strings.Contains(text, `"hasNext":false`) {
		t.Errorf("%d lists in %s", n, text)
	}
	if got := e.Count(); got != 1 {
		t.Errorf("%d upstream calls", got)
	}
}

// Cached blocks are read through a slow Redis. The first part takes as long as a query without the heavy fields, and the rest follows.
func TestDeferOverASlowRedis(t *testing.T) {
	const pairs, delay = 7, 30 * time.Millisecond
	e, upstream := newUpstream(t)
	kept := redistest.Start(t)
	slow := newSlowProxy(t, kept.Addr())
	arguments := []string{"-upstream", upstream, "-project", testProject, "-fresh", "1h", patient, "-redis-url"}
	fills := startServer(t, append(arguments, kept.URL())...)
	reads := startServer(t, append(arguments, "redis://"+slow.Addr().String())...)
	groups := make([]string, 2*pairs)
	for i := range groups {
		groups[i] = emulator.ID(7000 + i)
		manyRows(e, groups[i])
		fills.inParts(t, fmt.Sprintf(deferredQuery, groups[i]))
	}
	reads.inParts(t, fmt.Sprintf(summaryQuery, testGroup)) // connects
	e.Reset()
	slow.delay.Store(int64(delay))
	var summaries, firsts, wholes []time.Duration
	for i := range pairs {
		_, summary, _ := reads.inParts(t, fmt.Sprintf(summaryQuery, groups[2*i]))
		first, whole, text := reads.inParts(t, fmt.Sprintf(deferredQuery, groups[2*i+1]))
		if n := strings.Count(text, `"addedInstances":[{`); n != 20 {
			t.Errorf("%d lists in %s", n, text)
		}
		summaries, firsts, wholes = append(summaries, summary), append(firsts, first), append(wholes, whole)
	}
	// The quickest of each, because the machine may have other things to do.
	summary, first, whole := slices.Min(summaries), slices.Min(firsts), slices.Min(wholes)
	t.Logf("without heavy fields %v; the first part %v, the whole %v", summary, first, whole)
	if first > summary*12/10 || whole < first+delay/2 {
		t.Errorf("without heavy fields %v; the first part %v, the whole %v", summary, first, whole)
	}
	if got := e.Count(); got > pairs { // a Redis that is too slow for once is a miss
		t.Errorf("%d upstream calls", got)
	}
}
