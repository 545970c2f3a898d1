package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"scalegraph/upstream/emulator"
)

// FuzzQuery sends any query: the response is a page or a documented error.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=0", "limit=-1&start_number=7", "type=NORMAL,DIFF&status=DOING", "start_time=2026-03-01T12:00:00Z&end_time=2026-03-01T12:00:00Z",
		"log_id=" + emulator.ID(1), "%zz", "type=%00", "limit=1;", "&&=&", "start_number=2147483647&limit=100", "end_time=9999-12-31T23:59:59Z",
	} {
		f.Add(seed)
	}
	e := emulator.New(emulator.Switches{Access: emulator.AccessOpen, Ties: emulator.TiesUnstable})
	for i := range 30 {
		e.Insert(project, group, emulator.Row{ID: emulator.ID(i), Type: emulator.Types()[i%10], Status: emulator.Statuses()[i%3], Start: at(i / 3), End: at(i)})
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r.WithContext(t.Context()))
		var a response
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%q: %d %s: %v", query, w.Code, w.Body, err)
		}
		switch {
		case w.Code == http.StatusBadRequest && a.code() != nil:
		case w.Code == http.StatusOK && len(a.Rows) <= a.Limit && a.Limit <= emulator.MaxLimit && len(a.Rows) <= max(a.Total-a.Start, 0):
		default:
			t.Fatalf("%q: %d %s", query, w.Code, w.Body)
		}
	})
}
