package app

import (
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func allWell() map[string]string { return map[string]string{"default": "closed"} }

func TestNotReadyWhileStarting(t *testing.T) {
	w := httptest.NewRecorder()
	(&health{circuits: allWell}).ready(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 || w.Body.String() != `{"ready":false,"upstream":"ok","redis":"off"}`+"\n" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestReadinessNamesWhatFails(t *testing.T) {
	h := &health{circuits: func() map[string]string { return map[string]string{"a": "closed", "b": "open", "c": "half-open"} }}
	h.serving.Store(true)
	w := httptest.NewRecorder()
	h.ready(w, httptest.NewRequest("GET", "/readyz", nil))
	want := `{"ready":true,"upstream":"failing","regions":{"a":"ok","b":"failing","c":"failing"},"redis":"off"}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s, want %s", w.Code, w.Body, want)
	}
}

// A connection that was made before the end, and whose request comes a moment later, is answered.
func TestARequestThatComesLate(t *testing.T) {
	s := startServer(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stopped := make(chan int)
	go func() { stopped <- s.stop() }()
	waitUntil(t, "the server drains", func() bool { return strings.Contains(s.logs.String(), "draining") })
	time.Sleep(200 * time.Millisecond)
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("%v %q", err, answer)
	}
	if got := <-stopped; got != exitDone {
		t.Errorf("exit status %d", got)
	}
}
