package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/configuration.md")

func TestConfigurationDocs(t *testing.T) {
	const path, from, to = "../../docs/configuration.md", "-update -->\n", "<!-- end of settings -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), from)
	got, after, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatalf("%s has nothing between %q and %q", path, from, to)
	}
	want := table()
	if *update {
		if err := os.WriteFile(path, []byte(before+from+want+to+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("the table is not that of settings.go (go test ./internal/config -run TestConfigurationDocs -update writes it)\ngot\n%s\nwant\n%s", got, want)
	}
}

// table returns the settings as a Markdown table.
func table() string {
	var b strings.Builder
	b.WriteString("| variable | default | meaning |\n| --- | --- | --- |\n")
	for _, s := range settings(new(Config)) {
		initial := "empty"
		if s.initial != "" {
			initial = "`" + s.initial + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.variable(), initial, s.help)
	}
	return b.String()
}
