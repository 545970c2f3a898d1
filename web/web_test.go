package web

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

func get(t *testing.T, h http.Handler, target, encodings string) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	if encodings != "" {
		r.Header.Set("Accept-Encoding", encodings)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pages are all that there are, with the settings of a demo.
func pages(t *testing.T, s Settings) map[string]http.Handler {
	t.Helper()
	graphiql, err := GraphiQL(s)
	if err != nil {
		t.Fatal(err)
	}
	console, err := Console(s)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]http.Handler{"graphiql": graphiql, "console": console}
}

func TestLicensesAreServed(t *testing.T) {
	h, err := Licenses()
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, get(t, h, "/licenses", "").Body); !strings.Contains(text, "MIT License") || !strings.Contains(text, "graphiql") {
		t.Errorf("got %d bytes", len(text))
	}
}

var loaded = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

func TestPagesLoadOnlyWhatIsServedHere(t *testing.T) {
	for name, h := range pages(t, Settings{}) {
		html := read(t, get(t, h, "/"+name, "").Body)
		found := loaded.FindAllStringSubmatch(html, -1)
		if len(found) < 3 {
			t.Errorf("%s loads %d files", name, len(found))
		}
		for _, f := range found {
			if got := get(t, Assets(), path.Join("/", f[1]), "br"); got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") == "" {
				t.Errorf("%s: %s answers %d", name, f[1], got.StatusCode)
			}
		}
	}
}

// Links are relative, so that they hold below any prefix, and also if the path of the page ends with a slash.
func TestPageLinksAreRelative(t *testing.T) {
	for name, h := range pages(t, Settings{}) {
		for target, prefix := range map[string]string{"/" + name: "./assets/", "/prefix/" + name + "/": "../assets/"} {
			for _, f := range loaded.FindAllStringSubmatch(read(t, get(t, h, target, "").Body), -1) {
				if !strings.HasPrefix(f[1], prefix) {
					t.Errorf("%s links to %s", target, f[1])
				}
			}
		}
	}
}

func TestIcon(t *testing.T) {
	h, err := Icon()
	if err != nil {
		t.Fatal(err)
	}
	got := get(t, h, "/favicon.ico", "")
	if body := read(t, got.Body); got.Header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(body, "<svg") {
		t.Errorf("got %q: %s", got.Header.Get("Content-Type"), body)
	}
}

func TestSettingsCannotBreakOutOfTheirPlace(t *testing.T) {
	for name, h := range pages(t, Settings{Groups: []Group{{ID: "</script><script>alert(1)</script>"}}}) {
		if html := read(t, get(t, h, "/"+name, "").Body); strings.Contains(html, "alert(1)</script>") {
			t.Errorf("%s has\n%s", name, html)
		}
	}
}

// Every asset comes in each encoding with the same content, a type that browsers take with nosniff, and may be kept.
func TestAssets(t *testing.T) {
	entries, err := fs.ReadDir(files, "dist/assets")
	if err != nil {
		t.Fatal(err)
	}
	hashed := regexp.MustCompile(`-[\w-]{8}\.\w+$`)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if testing.Short() && info.Size() > 100<<10 { // seconds each with the race detector
			continue
		}
		name := strings.TrimSuffix(entry.Name(), ".br")
		packed := get(t, Assets(), "/assets/"+name, "gzip, deflate, br")
		zipped := get(t, Assets(), "/assets/"+name, "br;q=0, gzip")
		plain := get(t, Assets(), "/assets/"+name, "")
		if got := packed.Header.Get("Content-Encoding") + " " + zipped.Header.Get("Content-Encoding") + " " + plain.Header.Get("Content-Encoding"); got != "br gzip " {
			t.Errorf("%s: encodings %q", name, got)
		}
		unzip, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		want := read(t, plain.Body)
		if read(t, brotli.NewReader(packed.Body)) != want || read(t, unzip) != want || want == "" {
			t.Errorf("%s: the encodings differ", name)
		}
		if types[path.Ext(name)] == "" || plain.Header.Get("Content-Type") != types[path.Ext(name)] {
			t.Errorf("%s has the type %q", name, plain.Header.Get("Content-Type"))
		}
		if !hashed.MatchString(name) || plain.Header.Get("Cache-Control") != forever || plain.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s may be kept by %v", name, plain.Header)
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for _, target := range []string{"/assets/", "/assets/nothing.js", "/assets", "/assets/../web.go", "/assets/%2e%2e/web.go", "/assets/..%2f..%2fgo.mod"} {
		if got := get(t, Assets(), target, ""); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", target, got.StatusCode)
		}
	}
}
