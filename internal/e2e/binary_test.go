package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"scalegraph/internal/app"
	"scalegraph/internal/testkit"
)

// binaries is the folder of the built program; empty: none was built. TestMain removes it.
var binaries string

// buildOnce builds the program as a user would, into a folder of its own.
var buildOnce = sync.OnceValues(func() (path string, err error) {
	if binaries, err = os.MkdirTemp("", "scalegraph-e2e"); err != nil {
		return "", err
	}
	path = filepath.Join(binaries, "bin", "scalegraph")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// build returns the path of the program. All tests share one build.
func build(t *testing.T) string {
	t.Helper()
	path, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// command returns the program with arguments and an environment without settings of ours.
func command(ctx context.Context, path string, args ...string) (cmd *exec.Cmd, out, logs *testkit.Buffer) {
	out, logs = new(testkit.Buffer), new(testkit.Buffer)
	cmd = exec.CommandContext(ctx, path, args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "SCALEGRAPH_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Stdout, cmd.Stderr = out, logs
	return cmd, out, logs
}

func statusOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

func TestBinary(t *testing.T) {
	t.Parallel()
	path := build(t)
	t.Run("serves and stops on SIGTERM", func(t *testing.T) {
		cmd, out, logs := command(t.Context(), path, "-log=json")
		cmd.Env = append(cmd.Env, "SCALEGRAPH_LISTEN=127.0.0.1:0")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s := &server{base: waitForAddress(t, out)}
		if got := s.do(t, http.MethodGet, "/graphql?query={__typename}", ""); got.body != `{"data":{"__typename":"Query"}}` {
			t.Errorf("got %d %s", got.StatusCode, got.body)
		}
		http.DefaultClient.CloseIdleConnections()
		asked := time.Now()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if got := statusOf(t, cmd.Wait()); got != app.ExitOK || time.Since(asked) > 10*time.Second {
			t.Errorf("exit status %d after %v\n%s", got, time.Since(asked), logs)
		}
	})
	t.Run("refuses a wrong configuration", func(t *testing.T) {
		cmd, out, logs := command(t.Context(), path, "-redis-url=http://user:hunter2@host", "-poll=never")
		cmd.Env = append(cmd.Env, "SCALEGRAPH_AUTH=aksk", "SCALEGRAPH_SK=hunter2")
		got := statusOf(t, cmd.Run())
		want := "-redis-url: must be redis:// or rediss:// and at least one host\n" +
			"-poll=\"never\": must be a duration like 5s or 1h30m, from 100ms to 1h0m0s\n" +
			"SCALEGRAPH_AUTH: aksk needs SCALEGRAPH_AK and SCALEGRAPH_SK, or their files\n"
		if got != app.ExitConfig || logs.String() != want || out.String() != "" {
			t.Errorf("exit status %d\n%s%s", got, out, logs)
		}
	})
	t.Run("checks a configuration without starting", func(t *testing.T) {
		cmd, out, logs := command(t.Context(), path, "-check", "-auth=aksk", "-ak=a", "-sk=hunter2")
		if got := statusOf(t, cmd.Run()); got != app.ExitOK || out.String() != "the configuration is right\n" || logs.String() != "" {
			t.Errorf("exit status %d\n%s%s", got, out, logs)
		}
		cmd, out, logs = command(t.Context(), path, "-check", "-poll=never")
		if got := statusOf(t, cmd.Run()); got != app.ExitConfig || !strings.HasPrefix(logs.String(), "-poll=") || out.String() != "" {
			t.Errorf("exit status %d\n%s%s", got, out, logs)
		}
	})
	t.Run("reports what it reaches", func(t *testing.T) { checkConnectionsOf(t, path) })
	t.Run("reports every fault of the configuration", func(t *testing.T) { checkFaults(t, path) })
	t.Run("helps", func(t *testing.T) {
		cmd, out, logs := command(t.Context(), path, "-help")
		if got := statusOf(t, cmd.Run()); got != app.ExitOK || !strings.Contains(out.String(), "-max-upstream-calls") || logs.String() != "" {
			t.Errorf("exit status %d\n%s%s", got, out, logs)
		}
	})
	t.Run("says that it cannot listen", func(t *testing.T) {
		cmd, _, logs := command(t.Context(), path, "-listen=203.0.113.1:0") // an address that no machine has
		if got := statusOf(t, cmd.Run()); got != app.ExitFailed || !strings.Contains(logs.String(), "listen") {
			t.Errorf("exit status %d\n%s", got, logs)
		}
	})
}
