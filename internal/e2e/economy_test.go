package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/internal/httpserver"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

// Clients that poll the newest 20 rows every second for 30 s through two replicas with one Redis, at the pace at which clients do that. The
// bound holds at that pace, so only these two groups of clients run beside each other.
func TestPollsThroughTwoReplicas(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	for _, c := range []struct{ clients, credentials, calls int }{{500, 1, 10}, {100, 100, 10 + 100}} {
		t.Run(fmt.Sprint(c.clients, " clients of ", c.credentials, " credentials"), func(t *testing.T) {
			t.Parallel()
			e := emulator.New(emulator.Switches{})
			for n := range c.credentials {
				e.AddToken(fmt.Sprint("token-", n), testProject)
			}
			for i := range 500 {
				e.Insert(testProject, testGroup, minute(i))
			}
			upstream, redis := emulatortest.Serve(t, e), redistest.Start(t).URL()
			var replicas []*server
			for range 2 {
				replicas = append(replicas, startServer(t, "-upstream", upstream, "-project", testProject, "-redis-url", redis, patient))
			}
			// The server closes a connection on which no request has come for HeaderTimeout. The client gives up its unused ones before that, or
			// it might send a request on one that is being closed.
			p := &polls{client: &http.Client{Transport: &http.Transport{
				MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64, IdleConnTimeout: httpserver.HeaderTimeout / 2,
			}}}
			defer p.client.CloseIdleConnections()
			took := p.run(30, time.Second, c.clients, func(round, client int) error {
				if client == 0 && round%3 == 0 { // the log goes on meanwhile
					e.Insert(testProject, testGroup, minute(500+round))
				}
				return p.poll(t, replicas[(round+client)%2], fmt.Sprint("token-", client%c.credentials))
			})
			for _, err := range p.failed {
				t.Fatal(err)
			}
			most := int(float64(c.calls) * max(1, took.Seconds()/30))
			if calls := e.Count(); calls > most {
				t.Errorf("%d upstream calls in %v, want at most %d", calls, took, most)
			}
			for _, r := range e.Requests() {
				if r.Limit > 40 {
					t.Errorf("asked for %d rows", r.Limit)
				}
			}
			t.Log(e.Count(), "calls in", took)
		})
	}
}

func minute(n int) emulator.Row {
	start := epoch.Add(time.Duration(n) * time.Minute)
	return emulator.Row{Status: emulator.Success, Type: "NORMAL", Start: start, End: start}
}

// polls are the polls of many clients, each at its own time of every round.
type polls struct {
	client *http.Client
	mu     sync.Mutex
	failed []error
}

// run sends one request of every client in each round, and returns how long that took.
func (p *polls) run(rounds int, each time.Duration, clients int, ask func(round, client int) error) time.Duration {
	var wg sync.WaitGroup
	began := time.Now()
	for n := range clients {
		wg.Go(func() {
			for round := range rounds {
				at := time.Duration(round)*each + each*time.Duration(n)/time.Duration(clients)
				time.Sleep(time.Until(began.Add(at)))
				if err := ask(round, n); err != nil {
					p.mu.Lock()
					p.failed = append(p.failed, err)
					p.mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// newest20 is the query of a client that shows the newest rows.
const newest20 = `{"query":"{ scalingGroup(groupId: \"` + testGroup + `\") { activities(first: 20) { totalCount nodes { logId status } } } }"}`

func (p *polls) poll(t *testing.T, s *server, token string) error {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+"/graphql", strings.NewReader(newest20))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", token)
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, resp.Body); err != nil {
		return err
	}
	if got := text.String(); strings.Contains(got, `"errors"`) || strings.Count(got, `"logId"`) != 20 {
		return fmt.Errorf("%s: %.300s", token, got)
	}
	return nil
}
