package gqlhttp_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// wide is a query whose answer is longer than 1 KiB.
var wide = `{ scalingGroup(groupId: "g") { ` + numbered(90, "a%d: id ") + `} }`

func decompress(t *testing.T, encoding, text string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(text)
	var err error
	switch encoding {
	case "zstd":
		r, err = zstd.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		r, err = gzip.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestResponseCompression(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	plain := post(t, target, wide, "Accept-Encoding", "identity").text
	if len(plain) < 1<<10 {
		t.Fatalf("the response has only %d bytes", len(plain))
	}
	for accept, want := range map[string]string{
		"identity":                       "",
		"deflate":                        "",
		"gzip":                           "gzip",
		"br":                             "br",
		"zstd":                           "zstd",
		"gzip, deflate, br":              "br",
		"gzip, deflate, br, zstd":        "br",
		"gzip, zstd":                     "gzip",
		"zstd, gzip, br":                 "zstd",
		"br;q=0.5, zstd":                 "zstd",
		"zstd, *":                        "zstd",
		"zstd;q=0.1, br;q=0.5, gzip;q=1": "gzip",
		"*":                              "br",
		"zstd;q=0, *;q=0.5":              "br",
		"gzip;q=0.5, identity":           "",
		"GZIP":                           "gzip",
		"gzip;q=0":                       "",
	} {
		for range 2 { // an encoder that is new, and one that was used
			got := post(t, target, wide, "Accept-Encoding", accept)
			if encoding := got.Header.Get("Content-Encoding"); encoding != want {
				t.Errorf("Accept-Encoding: %s: %q, want %q", accept, encoding, want)
				continue
			}
			if decompress(t, want, got.text) != plain {
				t.Errorf("Accept-Encoding: %s: another response", accept)
			}
			if want != "" && len(got.text) >= len(plain) {
				t.Errorf("%s made %d bytes of %d", want, len(got.text), len(plain))
			}
		}
	}
	if got := post(t, target, groupQuery, "Accept-Encoding", "gzip"); got.Header.Get("Content-Encoding") != "" {
		t.Error("a short response was compressed")
	}
}

func TestGetIsValidated(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{}) + "?query=" + url.QueryEscape(wide)
	tags := map[string]bool{}
	for _, encoding := range []string{"identity", "gzip", "br", "zstd"} {
		got := send(t, http.MethodGet, target, "", "Accept-Encoding", encoding)
		tag := got.Header.Get("ETag")
		if !regexp.MustCompile(`^"[^"]+"$`).MatchString(tag) || tags[tag] {
			t.Errorf("%s: ETag %s", encoding, tag)
		}
		tags[tag] = true
		for _, match := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			got = send(t, http.MethodGet, target, "", "Accept-Encoding", encoding, "If-None-Match", match)
			if got.StatusCode != http.StatusNotModified || got.text != "" || got.Header.Get("ETag") != tag || got.Header.Get("Vary") == "" {
				t.Errorf("%s, If-None-Match %s: %d %v", encoding, match, got.StatusCode, got.Header)
			}
		}
		if got = send(t, http.MethodGet, target, "", "Accept-Encoding", encoding, "If-None-Match", `"x"`); got.StatusCode != http.StatusOK {
			t.Errorf("another tag: %d", got.StatusCode)
		}
	}
}

func TestResponseFreshnessIsThatOfItsPages(t *testing.T) {
	for name, test := range map[string]struct {
		fresh []time.Duration // of the pages used
		err   error
		want  string
	}{
		"no pages":     {nil, nil, `^private, max-age=0$`},
		"two pages":    {[]time.Duration{time.Hour, 20 * time.Second}, nil, `^private, max-age=(19|20)$`},
		"a stale page": {[]time.Duration{time.Hour, -time.Second}, nil, `^private, max-age=0$`},
		"an error":     {[]time.Duration{time.Hour}, context.Canceled, `^no-store$`},
	} {
		target := serve(t, root{group: func(ctx context.Context, id string) (*upstream.Group, error) {
			for _, d := range test.fresh {
				request.CallerFrom(ctx).Tally.LimitFreshness(time.Now().Add(d))
			}
			return &upstream.Group{ID: id}, test.err
		}}, gqlhttp.Config{})
		got := send(t, http.MethodGet, target+"?query="+url.QueryEscape(groupQuery), "")
		if policy := got.Header.Get("Cache-Control"); !regexp.MustCompile(test.want).MatchString(policy) {
			t.Errorf("%s: Cache-Control is %q", name, policy)
		}
		if tagged := got.Header.Get("ETag") != ""; tagged != (test.err == nil) {
			t.Errorf("%s: ETag is %q", name, got.Header.Get("ETag"))
		}
	}
}

// Explained responses are not stored, because Vary does not name the header that requests the extension.
func TestExplainedResponsesAreNotStored(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	if got := send(t, http.MethodGet, target+"?query="+url.QueryEscape(groupQuery), "", "Scalegraph-Explain", "1"); got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q", got.Header.Get("Cache-Control"))
	}
}

func TestCORS(t *testing.T) {
	const ours = "https://console.example"
	closed := serve(t, root{}, gqlhttp.Config{})
	open := serve(t, root{}, gqlhttp.Config{CORSOrigins: []string{ours}})
	preflight := func(target, origin string) reply {
		return send(t, http.MethodOptions, target, "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-auth-token")
	}
	for name, got := range map[string]reply{
		"closed":                    preflight(closed, ours),
		"closed, no preflight":      post(t, closed, groupQuery, "Origin", ours),
		"another origin":            preflight(open, "https://evil.example"),
		"another scheme":            post(t, open, groupQuery, "Origin", "http://console.example"),
		"an origin that ends alike": post(t, open, groupQuery, "Origin", "https://evil-console.example"),
	} {
		if allowed := got.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
			t.Errorf("%s: %s is allowed", name, allowed)
		}
	}
	got := preflight(open, ours)
	for _, name := range []string{"X-Auth-Token", "Scalegraph-Token", "Authorization", "Cache-Control", "Scalegraph-Explain", "X-Request-Id", "traceparent", "Content-Type", "*", "baggage", "b3", "Apollo-Require-Preflight", "apollographql-client-name"} {
		if !strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("%s may not be sent", name)
		}
	}
	if got.StatusCode != http.StatusNoContent || got.Header.Get("Access-Control-Allow-Origin") != ours || got.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", got.StatusCode, got.Header)
	}
	got = post(t, open, groupQuery, "Origin", ours)
	if got.Header.Get("Access-Control-Allow-Origin") != ours || !strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "X-Request-Id") {
		t.Errorf("allowed: %v", got.Header)
	}
	if vary := got.Header.Values("Vary"); len(vary) != 2 || vary[1] != "Origin" {
		t.Errorf("Vary: %q", vary)
	}
}
