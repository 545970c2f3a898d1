package e2e

import (
	"io"
	"strings"
	"testing"

	"scalegraph/internal/app"
	"scalegraph/internal/testkit"
)

// A request on a connection that was opened before the shutdown is served during the drain delay, and its connection closed.
func TestRequestDuringTheDrainDelay(t *testing.T) {
	t.Parallel()
	s := startServer(t, "-drain-delay=2s", "-upstream=http://127.0.0.1:1") // the demo on a terminal has no delay
	conn := testkit.Dial(t, strings.TrimPrefix(s.base, "http://"))
	stopped := make(chan int)
	go func() { stopped <- s.stop() }()
	testkit.Eventually(t, "the server to drain", func() bool { return strings.Contains(s.logs.String(), "draining") })
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(response), "HTTP/1.1 200") {
		t.Errorf("%v %q", err, response)
	}
	if got := <-stopped; got != app.ExitOK {
		t.Errorf("exit status %d", got)
	}
}
