package secretfile_test

import (
	"path/filepath"
	"strings"
	"testing"

	"scalegraph/internal/secretfile"
)

func TestKeyFollowsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	write(t, path, " one\r\n")
	k, err := secretfile.OpenKey(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{" one\r\n", "one"},
		{"two", "two"},
		{"", ""},
		{"hunter2 hunter3\n", ""},
		{"\tthree\n\n", "three"},
	} {
		write(t, path, c.text)
		got, err := k.Read()
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q is read as %q, %v", c.text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("the error repeats what the file holds: %v", err)
		}
	}
}

func TestOpenKeyNeedsExactlyOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := secretfile.OpenKey(path); err == nil {
		t.Error("a missing file was opened")
	}
	for _, text := range []string{"", " \n", "a b", "a\nb\n"} {
		write(t, path, text)
		if _, err := secretfile.OpenKey(path); err == nil {
			t.Errorf("%q was taken for a key", text)
		}
	}
}
