package app

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// yes says that every region was reached.
func yes(string) (tried, reached bool) { return true, true }

func allWell() map[string]string { return map[string]string{"default": "closed"} }

func TestNotReadyWhileStarting(t *testing.T) {
	w := httptest.NewRecorder()
	(&health{circuits: allWell, reached: yes}).ready(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 || w.Body.String() != `{"ready":false,"upstream":"ok","redis":"off"}`+"\n" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestReadinessNamesWhatFails(t *testing.T) {
	h := &health{circuits: func() map[string]string { return map[string]string{"a": "closed", "b": "open", "c": "half-open"} }, reached: yes}
	h.serving.Store(true)
	w := httptest.NewRecorder()
	h.ready(w, httptest.NewRequest("GET", "/readyz", nil))
	want := `{"ready":true,"upstream":"failing","regions":{"a":"ok","b":"failing","c":"failing"},"redis":"off"}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s, want %s", w.Code, w.Body, want)
	}
}

func TestReadinessOfRegionsThatWereNotReached(t *testing.T) {
	for _, c := range []struct {
		tried, reached map[string]bool
		want           string
	}{
		{nil, nil, `"upstream":"unknown","regions":{"a":"unknown","b":"unknown"}`},
		{map[string]bool{"a": true}, map[string]bool{"a": true}, `"upstream":"ok","regions":{"a":"ok","b":"unknown"}`},
		{map[string]bool{"a": true}, nil, `"upstream":"failing","regions":{"a":"failing","b":"unknown"}`},
	} {
		h := &health{circuits: func() map[string]string { return map[string]string{"a": "closed", "b": "closed"} },
			reached: func(region string) (bool, bool) { return c.tried[region], c.reached[region] }}
		w := httptest.NewRecorder()
		h.ready(w, httptest.NewRequest("GET", "/readyz", nil))
		if !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("got %s, want %s", w.Body, c.want)
		}
	}
}
