package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"scalegraph/internal/config"
)

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(repoFile(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents reads all YAML documents of a file.
func documents(t *testing.T, path string) []map[string]any {
	t.Helper()
	var all []map[string]any
	in := yaml.NewDecoder(strings.NewReader(readText(t, path)))
	for {
		var doc map[string]any
		err := in.Decode(&doc)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, doc)
	}
}

// at follows keys and indices into what YAML holds.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch s := step.(type) {
		case string:
			v = v.(map[string]any)[s]
		case int:
			v = v.([]any)[s]
		}
		if v == nil {
			t.Fatalf("nothing at %v", path)
		}
	}
	return v
}

// manifestOf returns the first resource of a kind in deploy/kubernetes.yaml, which tools/chartcheck checks against the Kubernetes API.
func manifestOf(t *testing.T, kind string) map[string]any {
	t.Helper()
	for _, resource := range documents(t, "deploy/kubernetes.yaml") {
		if resource["kind"] == kind {
			return resource
		}
	}
	t.Fatalf("deploy/kubernetes.yaml has no %s", kind)
	return nil
}

// The settings in the manifests are settings, and are right together.
func TestDeployedConfigurations(t *testing.T) {
	secrets := t.TempDir()
	for name, text := range map[string]string{"ak": "an-access-key", "sk": "a-secret-key", "keys": "console some-key *"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	given := regexp.MustCompile(`\$\{[A-Z_]+:-(.*)\}`)
	for name, settings := range map[string]any{
		"kubernetes": at(t, manifestOf(t, "ConfigMap"), "data"),
		"compose":    at(t, documents(t, "deploy/compose.yaml")[0], "services", "scalegraph", "environment"),
	} {
		var env []string
		for variable, value := range settings.(map[string]any) {
			text := given.ReplaceAllString(value.(string), "$1")
			if strings.HasSuffix(variable, "_FILE") {
				text = filepath.Join(secrets, filepath.Base(text))
			}
			env = append(env, variable+"="+text)
		}
		cfg, err := config.Read(nil, env, io.Discard)
		if err != nil || len(cfg.Unknown) > 0 {
			t.Errorf("%s: %v, unread %v", name, err, cfg.Unknown)
		}
	}
}

// The dashboard and the alerts query metrics and labels that exist.
func TestDashboardAndAlertsAskForWhatThereIs(t *testing.T) {
	_, args, _ := signedUpstream(t, "a a-key *")
	s := startServer(t, append(args, "-caller-cost=1", "-caller-cost-mode=measure", "-redis-url=redis://127.0.0.1:1")...)
	for range 2 {
		s.do(t, http.MethodGet, countQuery, "", "Authorization", "Bearer a-key")
	}
	page := s.do(t, http.MethodGet, "/metrics", "").body
	var dashboard map[string]any
	if err := json.Unmarshal([]byte(readText(t, "deploy/grafana.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`\b(scalegraph|go|process)_[a-z_]+`)
	for _, file := range []string{"deploy/grafana.json", "deploy/alerts.yaml", "docs/operations.md"} {
		for _, name := range asked.FindAllString(readText(t, file), -1) {
			if name != "scalegraph_trusted_operations_total" && !strings.Contains(page, "\n"+name) {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
		}
	}
}

// Every alert names a section of the runbook, and every panel of the dashboard is in a row and has a description.
func TestAlertsAndPanelsAreExplained(t *testing.T) {
	sections := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^###? (.+)$`).FindAllStringSubmatch(readText(t, "docs/operations.md"), -1) {
		sections["docs/operations.md#"+strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")] = true
	}
	for _, rule := range at(t, documents(t, "deploy/alerts.yaml")[0], "groups", 0, "rules").([]any) {
		if link := at(t, rule, "annotations", "runbook_url").(string); !sections[link] {
			t.Errorf("%v: the runbook has no section %s", at(t, rule, "alert"), link)
		}
	}
	var dashboard struct {
		Panels []struct{ Type, Title, Description string }
	}
	if err := json.Unmarshal([]byte(readText(t, "deploy/grafana.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for i, panel := range dashboard.Panels {
		if i == 0 && panel.Type != "row" || panel.Type != "row" && panel.Description == "" {
			t.Errorf("panel %q is in no row or has no description", panel.Title)
		}
	}
}

func TestPrometheusReadsTheAlerts(t *testing.T) {
	documents(t, "deploy/alerts.yaml")
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", repoFile("deploy/alerts.yaml")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The runbook has every code that a client can see, and the image is one of nobody's.
func TestRunbookAndImage(t *testing.T) {
	runbook := readText(t, "docs/operations.md")
	for _, code := range []string{
		"BAD_USER_INPUT", "CURSOR_MISMATCH", "CURSOR_EXPIRED", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "RATE_LIMITED", "UPSTREAM_REJECTED", "UPSTREAM_TIMEOUT",
		"UPSTREAM_UNAVAILABLE", "UPSTREAM_BAD_RESPONSE", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "OPERATION_RESOLUTION_FAILURE",
		"PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED", "QUERY_TOO_COMPLEX", "REQUEST_TIMEOUT", "INTERNAL",
	} {
		if !strings.Contains(runbook, "\n### "+code+"\n") {
			t.Errorf("the runbook has nothing on %s", code)
		}
	}
	named := regexp.MustCompile(`SCALEGRAPH_[A-Z_]+`)
	known := readText(t, "docs/configuration.md")
	for _, variable := range named.FindAllString(runbook, -1) {
		if !strings.Contains(known, variable) {
			t.Errorf("the runbook names %s, which is no setting", variable)
		}
	}
	image := readText(t, "deploy/Dockerfile")
	instruction := regexp.MustCompile(`^(FROM|ARG|LABEL|\torg|WORKDIR|COPY|RUN|USER|ENV|EXPOSE|ENTRYPOINT|#) ?`)
	for line := range strings.Lines(image) {
		if strings.TrimSpace(line) != "" && !instruction.MatchString(line) {
			t.Errorf("the Dockerfile says %q", line)
		}
	}
	last := image[strings.LastIndex(image, "FROM "):]
	if !strings.HasPrefix(last, "FROM scratch\n") || !strings.Contains(last, "\nUSER 65532:65532\n") {
		t.Errorf("the image is more than the binary, or root's:\n%s", last)
	}
}
