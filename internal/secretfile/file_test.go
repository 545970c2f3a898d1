package secretfile_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"scalegraph/internal/secretfile"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *secretfile.File {
	t.Helper()
	f, err := secretfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func expect(t *testing.T, f *secretfile.File, text string, version int) {
	t.Helper()
	got, v, err := f.Read()
	if err != nil || string(got) != text || v != version {
		t.Errorf("read %q, version %d, %v; want %q, version %d", got, v, err, text, version)
	}
}

// A change that leaves size and times as they were is seen too, as long as it is young.
func TestChangesAreSeenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	write(t, path, "one")
	f := open(t, path)
	expect(t, f, "one", 1)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "two")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	expect(t, f, "two", 2)
	expect(t, f, "two", 2)
}

func TestChangeOfOldFileIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	write(t, path, "one")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	f := open(t, path)
	expect(t, f, "one", 1)
	write(t, path, "two")
	expect(t, f, "two", 2)
}

// Kubernetes swaps a link to a folder.
func TestLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "key"), name)
	}
	link := filepath.Join(dir, "data")
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	f := open(t, filepath.Join(link, "key"))
	expect(t, f, "a", 1)
	if err := os.Symlink("b", link+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+"2", link); err != nil {
		t.Fatal(err)
	}
	expect(t, f, "b", 2)
}

func TestReadErrorKeepsLastContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := secretfile.Open(path); err == nil {
		t.Error("a missing file was opened")
	}
	write(t, path, "one")
	f := open(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got, version, err := f.Read(); err == nil || string(got) != "one" || version != 1 {
		t.Errorf("got %q, %d, %v", got, version, err)
	}
	write(t, path, "one")
	expect(t, f, "one", 1)
	if err := os.Truncate(path, 5<<20); err != nil {
		t.Fatal(err)
	}
	if got, _, err := f.Read(); err == nil || string(got) != "one" {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if _, err := secretfile.Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}
