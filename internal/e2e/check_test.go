package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scalegraph/cache/redistest"
	"scalegraph/internal/app"
)

// checkFaults runs the built program with every kind of faulty configuration.
func checkFaults(t *testing.T, path string) {
	t.Helper()
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("two keys"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		settings []string // variable=value without the prefix
		want     string   // the line on stderr
	}{
		"misspelt variable":       {[]string{"UPSTRAEM=https://as.cloud.test"}, "SCALEGRAPH_UPSTRAEM: there is no such setting; did you mean SCALEGRAPH_UPSTREAM?"},
		"placeholder":             {[]string{"PROJECT=YOUR-PROJECT"}, `SCALEGRAPH_PROJECT="YOUR-PROJECT": is a placeholder of the documentation; put your own value there`},
		"placeholder host":        {[]string{"UPSTREAM=https://as.example.com"}, "SCALEGRAPH_UPSTREAM: the host is a placeholder of the documentation; put your own there"},
		"port too large":          {[]string{"LISTEN=127.0.0.1:70000"}, `SCALEGRAPH_LISTEN="127.0.0.1:70000": must be host:port with a port from 0 to 65535, e.g. 127.0.0.1:8080`},
		"upstream's port":         {[]string{"UPSTREAM=http://as.cloud.test:70000"}, "SCALEGRAPH_UPSTREAM: must be demo, or must be an http://"},
		"Redis' port":             {[]string{"REDIS_URL=redis://a:1,b:70000"}, "SCALEGRAPH_REDIS_URL: ports must be from 1 to 65535"},
		"project as a path":       {[]string{"PROJECT=../x"}, `SCALEGRAPH_PROJECT="../x": must be 1 to 64 letters, digits, dashes or underscores`},
		"base path":               {[]string{"BASE_PATH=a/../b"}, `SCALEGRAPH_BASE_PATH="a/../b": must be a path like /scalegraph`},
		"number":                  {[]string{"MAX_COST=much"}, `SCALEGRAPH_MAX_COST="much": must be a whole number from 1 to 1000000000`},
		"duration":                {[]string{"POLL=5"}, `SCALEGRAPH_POLL="5": must be a duration like 5s or 1h30m`},
		"size":                    {[]string{"CACHE_MEMORY=64MB"}, `SCALEGRAPH_CACHE_MEMORY="64MB": must be a size like 256KiB`},
		"choice":                  {[]string{"AUTH=token"}, `SCALEGRAPH_AUTH="token": must be passthrough or aksk`},
		"switch":                  {[]string{"INTROSPECTION=yes"}, `SCALEGRAPH_INTROSPECTION="yes": must be true or false`},
		"missing file":            {[]string{"AK_FILE=/no/such/file"}, `SCALEGRAPH_AK_FILE="/no/such/file": read a file of keys:`},
		"file with two keys":      {[]string{"AK_FILE=" + bad}, "SCALEGRAPH_AK_FILE="},
		"callers' keys":           {[]string{"CLIENT_KEYS_FILE=" + bad}, "SCALEGRAPH_CLIENT_KEYS_FILE="},
		"keys without aksk":       {[]string{"AK=a"}, "SCALEGRAPH_AK: has no effect without SCALEGRAPH_AUTH=aksk"},
		"aksk without keys":       {[]string{"AUTH=aksk"}, "SCALEGRAPH_AUTH: aksk needs SCALEGRAPH_AK and SCALEGRAPH_SK, or their files"},
		"open to strangers":       {[]string{"AUTH=aksk", "AK=a", "SK=s", "LISTEN=0.0.0.0:80"}, "SCALEGRAPH_LISTEN: must be a loopback address if SCALEGRAPH_AUTH=aksk"},
		"issuer without TLS":      {[]string{"OIDC_ISSUER=http://sso.cloud.test"}, "SCALEGRAPH_OIDC_ISSUER: must be an https:// URL"},
		"region twice":            {[]string{"REGION=a", "REGIONS=a=https://as.cloud.test"}, `SCALEGRAPH_REGIONS: "a" is already the name of the first region (SCALEGRAPH_REGION)`},
		"origin":                  {[]string{"CORS_ORIGINS=console.cloud.test"}, "SCALEGRAPH_CORS_ORIGINS="},
		"documents":               {[]string{"TRUSTED_DOCUMENTS=/no/such/file"}, "SCALEGRAPH_TRUSTED_DOCUMENTS="},
		"nothing could run":       {[]string{"TRUSTED_ONLY=true"}, "SCALEGRAPH_TRUSTED_ONLY: nothing would run without SCALEGRAPH_TRUSTED_DOCUMENTS"},
		"two listeners, one port": {[]string{"LISTEN=127.0.0.1:81", "ADMIN_LISTEN=127.0.0.1:81"}, "SCALEGRAPH_ADMIN_LISTEN: must not be the address of SCALEGRAPH_LISTEN"},
	} {
		cmd, out, logs := command(t.Context(), path, "-check")
		for _, setting := range c.settings {
			cmd.Env = append(cmd.Env, "SCALEGRAPH_"+setting)
		}
		got := statusOf(t, cmd.Run())
		found := false
		for line := range strings.Lines(logs.String()) {
			found = found || strings.HasPrefix(line, c.want)
		}
		if got != app.ExitConfig || !found || out.String() != "" {
			t.Errorf("%s: exit status %d, %q, want a line %q", name, got, logs, c.want)
		}
	}
	cmd, _, logs := command(t.Context(), path, "-check")
	cmd.Env = append(cmd.Env, "SCALEGRAPH_PORT=tcp://10.0.0.1:80", "SCALEGRAPH_SERVICE_HOST=10.0.0.1", "SCALEGRAPH_PORT_80_TCP_ADDR=10.0.0.1")
	if got := statusOf(t, cmd.Run()); got != app.ExitOK {
		t.Errorf("service links: exit status %d %s", got, logs)
	}
}

// checkConnectionsOf runs -check -connect of the built program.
func checkConnectionsOf(t *testing.T, path string) {
	t.Helper()
	_, url := newUpstream(t)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	run := func(args ...string) (string, int) {
		cmd, out, logs := command(t.Context(), path, append([]string{"-check", "-connect"}, args...)...)
		status := statusOf(t, cmd.Run())
		return out.String() + logs.String(), status
	}
	for name, c := range map[string]struct {
		args   []string
		want   string
		status int
	}{
		"demo":           {nil, "upstream, region default: reached; it lists the groups of the project\n", app.ExitOK},
		"passthrough":    {[]string{"-upstream", url, "-project", testProject}, "upstream, region default: reached; it asks for a token, which callers send\n", app.ExitOK},
		"refused keys":   {[]string{"-upstream", url, "-project", testProject, "-auth=aksk", "-ak=a", "-sk=s"}, "upstream, region default: reached, but it does not accept the keys: ", app.ExitConfig},
		"wrong server":   {[]string{"-upstream", other.URL}, "upstream, region default: something responds, but not the AutoScaling API; check the base URL: ", app.ExitConfig},
		"nobody listens": {[]string{"-upstream=http://127.0.0.1:1"}, "upstream, region default: cannot be used: ", app.ExitConfig},
		"second region":  {[]string{"-regions=two=http://127.0.0.1:1"}, "upstream, region two: cannot be used: ", app.ExitConfig},
		"no Redis":       {[]string{"-redis-url=redis://:hunter2@127.0.0.1:1"}, "Redis: cannot be used: ", app.ExitConfig},
		"no issuer":      {[]string{"-auth=aksk", "-ak=a", "-sk=s", "-oidc-issuer=http://127.0.0.1:1", "-oidc-audience=us"}, "OIDC issuer: the keys of the issuer cannot be read: ", app.ExitConfig},
	} {
		got, status := run(c.args...)
		if status != c.status || !strings.Contains(got, c.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s: exit status %d\n%s", name, status, got)
		}
	}
	t.Run("Redis", func(t *testing.T) {
		got, status := run("-redis-url=redis://"+redistest.Start(t).Addr(), "-redis-timeout=5s")
		if status != app.ExitOK || !strings.Contains(got, "Redis: reached\n") {
			t.Errorf("exit status %d\n%s", status, got)
		}
	})
}
