package upstream

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func FuzzListURL(f *testing.F) {
	for _, seed := range []string{"g1", "../g", "a/b", "?x", "#y", "%2F", "", "..", ";é", "a b", "\x00", "\xff"} {
		f.Add(seed, "p1", seed)
		f.Add("p1", seed, "log")
	}
	base, err := baseURL("https://as.example.com/prefix/")
	if err != nil {
		f.Fatal(err)
	}
	r := &region{base: base, path: base.EscapedPath()}
	f.Fuzz(func(t *testing.T, project, group, logID string) {
		made, err := r.listURL(ListQuery{Group: Group{"here", project, group}, Limit: 7, Filter: Filter{LogID: logID}}, SpellingTwoN)
		if err != nil {
			if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrRejected) {
				t.Fatal(err)
			}
			return
		}
		raw := made.String()
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if u.RequestURI() != made.RequestURI() {
			t.Errorf("%s is not %s", made.RequestURI(), raw)
		}
		parts := strings.Split(u.EscapedPath(), "/")
		if len(parts) != 7 || u.Host != "as.example.com" || u.Fragment != "" || parts[5] != "scaling_activity_log" {
			t.Errorf("%q and %q made %s", project, group, raw)
		}
		got := [2]string{}
		got[0], _ = url.PathUnescape(parts[4])
		got[1], _ = url.PathUnescape(parts[6])
		if got != [2]string{project, group} || u.Query().Get("log_id") != logID || u.Query().Get("limit") != "7" {
			t.Errorf("%q and %q arrive as %q", project, group, got)
		}
	})
}
