package auth_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"scalegraph/internal/auth"
	"scalegraph/internal/request"
)

func keysFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	replace(t, path, text)
	return path
}

func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeysFile(t *testing.T) {
	keys, err := auth.OpenKeys(keysFile(t, "# caller key projects\n\nconsole  k#1\tp1,p2 # comment\r\nconsole k2 p1\nops k3 *\nlast k4 p4"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := &auth.Authenticator{Keys: keys, Log: slog.New(slog.DiscardHandler)}
	for key, want := range map[string]*request.Caller{
		"k#1": {Name: "console", ProjectsOnly: true, Projects: []string{"p1", "p2"}},
		"k2":  {Name: "console", ProjectsOnly: true, Projects: []string{"p1"}},
		"k3":  {Name: "ops"},
		"k4":  {Name: "last", ProjectsOnly: true, Projects: []string{"p4"}},
	} {
		got, err := authenticate(t, c, key)
		if err != nil || got.Name != want.Name || got.ProjectsOnly != want.ProjectsOnly || !slices.Equal(got.Projects, want.Projects) {
			t.Errorf("%s: %+v, %v", key, got, err)
		}
	}
	for _, key := range []string{"", "k", "k#", "k11", "console", "#", "*", "a.b.c"} {
		if _, err := authenticate(t, c, key); !errors.Is(err, auth.ErrUnknown) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestFileThatBecomesFaulty(t *testing.T) {
	var lines strings.Builder
	log := slog.New(slog.NewTextHandler(&lines, nil))
	path := keysFile(t, "a hunter2 p1\nb hunter3 p2\n")
	keys, err := auth.OpenKeys(path, log)
	if err != nil {
		t.Fatal(err)
	}
	c := &auth.Authenticator{Keys: keys, Log: log}
	replace(t, path, "a hunter2 p1\nb hunter3\n")
	for key, want := range map[string]bool{"hunter2": true, "hunter3": false} {
		if _, err := authenticate(t, c, key); (err == nil) != want {
			t.Errorf("%s: %v", key, err)
		}
	}
	if n := strings.Count(lines.String(), "is faulty"); n != 1 || strings.Contains(lines.String(), "hunter") {
		t.Errorf("log\n%s", lines.String())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := authenticate(t, c, "hunter2"); err == nil {
		t.Error("without a file somebody was recognised")
	}
	replace(t, path, "b hunter3 p2\n")
	if _, err := authenticate(t, c, "hunter3"); err != nil {
		t.Error(err)
	}
}

func BenchmarkRecognise(b *testing.B) {
	path := filepath.Join(b.TempDir(), "keys")
	var text strings.Builder
	for i := range 100 {
		text.WriteString("name key-" + strings.Repeat("x", i) + " p1\n")
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		b.Fatal(err)
	}
	keys, err := auth.OpenKeys(path, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	c := &auth.Authenticator{Keys: keys, Log: slog.New(slog.DiscardHandler)}
	for b.Loop() {
		if err := c.Authenticate(b.Context(), &request.Caller{Bearer: "key-xxx"}); err != nil {
			b.Fatal(err)
		}
	}
}
