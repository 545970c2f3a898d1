package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// large returns an emulator with a group of 100 000 rows.
func large() *emulator.Emulator {
	e := emulator.New(emulator.Switches{Access: emulator.AccessOpen})
	rows := make([]emulator.Row, 100_000)
	for i := range rows {
		rows[i] = emulator.Row{
			ID: emulator.ID(i), Type: emulator.Types()[i%10], Status: emulator.Statuses()[i%3],
			Start: t0.Add(time.Duration(i) * time.Second), End: t0.Add(time.Duration(i+60) * time.Second),
		}
	}
	e.Insert(project, group, rows...)
	return e
}

// BenchmarkResponses shows that the cost of a response depends on its page, not on the log, unless the query tests ends or has several types.
func BenchmarkResponses(b *testing.B) {
	e := large()
	for _, query := range []string{
		"", "limit=100&start_number=50000", "limit=1&status=FAIL", "limit=1&status=FAIL&type=DIFF", "start_time=2026-03-02T00:00:00Z",
		"type=NORMAL,DIFF", "end_time=2026-03-02T00:00:00Z",
	} {
		b.Run(fmt.Sprintf("query=%q", query), func(b *testing.B) {
			req := httptest.NewRequest(http.MethodGet, path+"?"+query, nil)
			b.ReportAllocs()
			for b.Loop() {
				e.ServeHTTP(httptest.NewRecorder(), req)
			}
		})
	}
}

// BenchmarkChanges inserts at the head of a large log and expires at its tail.
func BenchmarkChanges(b *testing.B) {
	e := large()
	b.ReportAllocs()
	n := 100_000
	for b.Loop() {
		e.Insert(project, group, emulator.Row{ID: emulator.ID(n), Type: emulator.Normal, Status: emulator.Doing, Start: t0.Add(time.Duration(n) * time.Second)})
		e.Finish(project, group, emulator.ID(n), emulator.Success, t0.Add(time.Duration(n+1)*time.Second))
		e.Expire(project, group, 1)
		n++
	}
}

func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		large()
	}
}
