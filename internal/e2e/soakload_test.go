package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/upstream/emulator"
)

// soakLog is a log whose complete history is known. Rows are identified by their rank, counted from the oldest.
type soakLog struct {
	id string
	e  *emulator.Emulator

	mu   sync.Mutex
	rows []soakRow
	rank map[string]int
}

type soakRow struct {
	id       string
	inserted time.Time
	ended    time.Time // zero while it is in progress
}

var soakStart = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

func newSoakLog(e *emulator.Emulator, n, rows int) *soakLog {
	s := &soakLog{id: emulator.ID(40_000 + n), e: e, rank: map[string]int{}}
	for range rows {
		s.start()
		s.end(len(s.rows) - 1)
	}
	return s
}

// start adds the newest row, which is in progress.
func (s *soakLog) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.rows)
	id := emulator.ID(n) + s.id[len(s.id)-4:]
	s.e.Insert(testProject, s.id, emulator.Row{
		ID: id, Status: emulator.Doing, Type: "NORMAL", Start: soakStart.Add(time.Duration(n) * time.Second),
		Added: []emulator.Instance{{ID: "i-" + id, Name: strings.Repeat("n", 40)}},
	})
	s.rows, s.rank[id] = append(s.rows, soakRow{id: id, inserted: time.Now()}), n
}

func (s *soakLog) end(rank int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.rows[rank]
	s.e.Finish(testProject, s.id, r.id, emulator.Success, soakStart.Add(time.Duration(rank+30)*time.Second))
	r.ended = time.Now()
}

// grow starts and ends rows until ctx ends, and then ends the rest.
func (s *soakLog) grow(ctx context.Context) {
	const running = 3
	first := len(s.rows)
	for tick := time.NewTicker(700 * time.Millisecond); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			for n := max(first, len(s.rows)-running); n < len(s.rows); n++ {
				s.end(n)
			}
			return
		}
		s.start()
		if n := len(s.rows) - 1 - running; n >= first {
			s.end(n)
		}
	}
}

// soakPage is a response to soakQuery.
type soakPage struct {
	TotalCount int
	AsOf       time.Time
	Stale      bool
	PageInfo   struct {
		EndCursor   string
		HasNextPage bool
	}
	Nodes []struct {
		LogID, Status  string
		AddedInstances []struct{ InstanceID string }
	}
}

const soakQuery = `query($g: ID!, $n: Int, $after: String, $heavy: Boolean!) { scalingGroup(groupId: $g) { activities(first: $n, after: $after) {
	totalCount asOf stale pageInfo { endCursor hasNextPage } nodes { logId status addedInstances @include(if: $heavy) { instanceId } } } } }`

// check returns what is wrong with a page of count rows behind a rank, or at the head if the rank is negative; empty if nothing is. The whole page
// must have been true at one moment between asOf and now.
func (s *soakLog) check(p *soakPage, count, behind int, heavy bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	least, _ := slices.BinarySearchFunc(s.rows, p.AsOf, func(r soakRow, t time.Time) int { return r.inserted.Compare(t) })
	if p.TotalCount < least || p.TotalCount > len(s.rows) {
		return fmt.Sprintf("the total is %d, between %d at asOf and %d now", p.TotalCount, least, len(s.rows))
	}
	next := p.TotalCount - 1
	if behind >= 0 {
		next = min(next, behind-1) // another replica may not know the rows yet that came after its asOf
	}
	if want := min(count, next+1); len(p.Nodes) != want {
		return fmt.Sprintf("%d rows, want %d", len(p.Nodes), want)
	}
	for i, row := range p.Nodes {
		r := s.rows[next-i]
		switch over := row.Status == "SUCCESS"; {
		case row.LogID != r.id:
			return fmt.Sprintf("row %d is %s, want %s", i, row.LogID, r.id)
		case over && r.ended.IsZero(), !over && !r.ended.IsZero() && r.ended.Before(p.AsOf):
			return fmt.Sprintf("row %d is %s as of %v; it ended at %v", i, row.Status, p.AsOf, r.ended)
		case heavy && (len(row.AddedInstances) != 1 || row.AddedInstances[0].InstanceID != "i-"+r.id):
			return fmt.Sprintf("row %d has the instances %v", i, row.AddedInstances)
		}
	}
	if more := next-len(p.Nodes) >= 0; p.PageInfo.HasNextPage != more {
		return fmt.Sprintf("hasNextPage is %v", p.PageInfo.HasNextPage)
	}
	return ""
}

// randomFaults returns the fault of an upstream call, which changes every three seconds. Some calls succeed with each kind of fault.
func randomFaults() func(*http.Request) *emulator.Fault {
	began := time.Now()
	throttle := emulator.RateLimit(20, time.Second, time.Second)
	return func(r *http.Request) *emulator.Fault {
		second := int(time.Since(began).Seconds())
		often := rand.IntN(3) == 0
		switch second / 3 % 8 {
		case 1:
			return &emulator.Fault{Delay: time.Duration(rand.IntN(600)) * time.Millisecond}
		case 2:
			if often {
				return &emulator.Fault{Status: []int{500, 502, 503, 504}[rand.IntN(4)]}
			}
		case 3:
			return throttle(r)
		case 4:
			if often {
				return &emulator.Fault{Break: emulator.CutOff}
			}
		case 5:
			if often {
				return &emulator.Fault{Break: []emulator.Break{emulator.NotJSON, emulator.WrongShape, emulator.EmptyBody, emulator.CorruptEncoding}[rand.IntN(4)]}
			}
		case 6:
			if second%24 == 18 {
				return &emulator.Fault{Status: 503}
			}
			if rand.IntN(20) == 0 {
				return &emulator.Fault{Break: emulator.Hang}
			}
		}
		return nil
	}
}

// statuses counts the responses of a handler by status; "none" if it sends none.
type statuses struct {
	http.Handler
	mu    sync.Mutex
	count map[string]int
}

type statusWriter struct {
	http.ResponseWriter
	status string
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = strconv.Itoa(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *statuses) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	noting := &statusWriter{w, "none"}
	defer func() { // also if a panic cuts the response off
		s.mu.Lock()
		defer s.mu.Unlock()
		s.count[noting.status]++
	}()
	s.Handler.ServeHTTP(noting, r)
}

func (s *statuses) now() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for status, n := range s.count {
		out[status] = n
	}
	return out
}

// disturbRedis kills Redis, which comes back empty, or pauses it, again and again until ctx ends.
func disturbRedis(ctx context.Context, s *redistest.Server) {
	pause := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	for n := 0; ctx.Err() == nil; n++ {
		pause(4 * time.Second)
		switch n % 3 {
		case 0:
			s.Kill()
			pause(1500 * time.Millisecond)
			s.Restart()
		case 1:
			s.Pause()
			pause(1500 * time.Millisecond)
			s.Resume()
		case 2:
			s.Do("FLUSHALL")
		}
	}
}
