package main

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestMain runs the program instead of the tests if TestSmoke has started it.
func TestMain(m *testing.M) {
	if os.Getenv("SMOKE") != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestSmoke starts the demo, makes a query and stops it. The tests of the whole program are in internal/e2e.
func TestSmoke(t *testing.T) {
	program := exec.CommandContext(t.Context(), os.Args[0], "-listen=127.0.0.1:0", "-drain-delay=0")
	program.Env = []string{"SMOKE=1"}
	program.Stderr = t.Output()
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	lines, base := bufio.NewScanner(out), ""
	for listens := false; !listens && lines.Scan(); {
		base, listens = strings.CutPrefix(lines.Text(), "scalegraph listens on ")
	}
	const query = `{scalingGroup(groupId: "e5d27f5c-dd76-4a61-b4bc-a67c5686719a") {activities {totalCount}}}`
	response, err := http.Get(base + "/graphql?query=" + url.QueryEscape(query))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := `{"data":{"scalingGroup":{"activities":{"totalCount":2}}}}`; err != nil || strings.TrimSpace(string(body)) != want {
		t.Errorf("%s %v, want %s", body, err, want)
	}
	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(); err != nil {
		t.Errorf("the program ends with %v", err)
	}
}
