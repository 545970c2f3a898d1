package gqlhttp_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/document"
)

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// apq is the extension by which Apollo's clients name a query, as a body with or without the text.
func apq(hash, query string) string {
	if query != "" {
		query = `"query":` + quoted(query) + `,`
	}
	return `{` + query + `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}}`
}

// store is a QueryStore in memory, as another process would share it.
type store struct {
	mu    sync.Mutex
	texts map[string]string
}

func (s *store) Get(_ context.Context, hash string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.texts[hash]
	return text, ok
}

func (s *store) Put(_ context.Context, hash, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts[hash] = text
}

func TestAutomaticPersistedQueries(t *testing.T) {
	shared := &store{texts: map[string]string{}}
	first := serve(t, root{}, gqlhttp.Config{Queries: shared})
	second := serve(t, root{}, gqlhttp.Config{Queries: shared})
	js := []string{"Content-Type", "application/json"}
	hash := hashOf(groupQuery)

	got := send(t, http.MethodPost, first, apq(hash, ""), js...)
	if got.StatusCode != http.StatusOK || got.code() != "PERSISTED_QUERY_NOT_FOUND" || got.body.Errors[0].Message != "PersistedQueryNotFound" {
		t.Errorf("unknown: %d %s", got.StatusCode, got.text)
	}
	if got = send(t, http.MethodPost, first, apq(hash, groupQuery), js...); got.text != groupResponse {
		t.Errorf("registering: %s", got.text)
	}
	if got = send(t, http.MethodPost, first, apq(strings.ToUpper(hash), ""), js...); got.text != groupResponse {
		t.Errorf("by hash: %s", got.text)
	}
	get := "?extensions=" + url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}`)
	if got = send(t, http.MethodGet, second+get, ""); got.text != groupResponse {
		t.Errorf("by hash, from another process: %s", got.text)
	}

	shared.Put(t.Context(), hashOf("other"), groupQuery)
	if got = send(t, http.MethodPost, second, apq(hashOf("other"), ""), js...); got.code() != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("a shared text of another hash: %s", got.text)
	}
	if got = send(t, http.MethodPost, first, apq(hashOf("{nothing}"), "{nothing}"), js...); got.code() != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("registering nonsense: %s", got.text)
	}
	if _, kept := shared.Get(t.Context(), hashOf("{nothing}")); kept {
		t.Error("nonsense was kept")
	}
	for name, body := range map[string]string{
		"wrong hash":    apq(hashOf("other"), groupQuery),
		"no hash":       apq("x", ""),
		"other version": `{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"` + hash + `"}}}`,
		"no object":     `{"extensions":{"persistedQuery":"x"}}`,
	} {
		if got = send(t, http.MethodPost, first, body, js...); got.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %s", name, got.text)
		}
	}
}

// manifests are three ways to keep trusted documents, each with groupQuery in it under the id that the function returns.
func manifests(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("folder/sub/group.graphql", groupQuery+"\n")
	write("folder/README.md", "left alone")
	return map[string]string{
		"Apollo": write("apollo.json", `{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"group","name":"Q","type":"query","body":`+quoted(groupQuery)+`}]}`),
		"Relay":  write("relay.json", `{"group":`+quoted(groupQuery)+`}`),
		"folder": filepath.Join(dir, "folder"),
	}
}

func TestTrustedDocuments(t *testing.T) {
	js := []string{"Content-Type", "application/json"}
	for name, file := range manifests(t) {
		t.Run(name, func(t *testing.T) {
			trusted, err := document.LoadTrusted(file)
			if err != nil {
				t.Fatal(err)
			}
			target := serve(t, root{}, gqlhttp.Config{Trusted: trusted, TrustedOnly: true})
			hash := hashOf(groupQuery)
			for _, body := range []string{
				`{"documentId":"group"}`,
				`{"documentId":"` + hash + `"}`,
				`{"documentId":"sha256:` + hash + `"}`,
				`{"doc_id":"group","variables":{}}`,
				apq(hash, ""),
				apq(hash, groupQuery),
				`{"query":` + quoted(groupQuery) + `}`,
			} {
				if got := send(t, http.MethodPost, target, body, js...); got.text != groupResponse {
					t.Errorf("%s: %s", body, got.text)
				}
			}
			for _, query := range []string{"?documentId=group", "?doc_id=group", "?documentId=sha256:" + hash} {
				if got := send(t, http.MethodGet, target+query, ""); got.text != groupResponse {
					t.Errorf("%s: %s", query, got.text)
				}
			}
			for body, code := range map[string]string{
				`{"documentId":"other"}`:         "PERSISTED_QUERY_NOT_FOUND",
				`{"query":"{__typename}"}`:       "PERSISTED_QUERY_NOT_SUPPORTED",
				apq(hashOf("{__typename}"), ""):  "PERSISTED_QUERY_NOT_FOUND",
				`{"documentId":["group"]}`:       "BAD_USER_INPUT",
				`{"doc_id":"group","query":"{"}`: "PERSISTED_QUERY_NOT_SUPPORTED",
			} {
				if got := send(t, http.MethodPost, target, body, js...); got.code() != code {
					t.Errorf("%s: %s, want %s", body, got.text, code)
				}
			}
			open := serve(t, root{}, gqlhttp.Config{Trusted: trusted})
			if got := send(t, http.MethodPost, open, `{"query":"{__typename}"}`, js...); got.text != `{"data":{"__typename":"Query"}}` {
				t.Errorf("another text where all run: %s", got.text)
			}
		})
	}
}

func TestTrustedDocumentsThatCannotBeLoaded(t *testing.T) {
	for name, text := range map[string]string{
		"nothing.json":  `{}`,
		"list.json":     `[1]`,
		"version.json":  `{"format":"apollo-persisted-query-manifest","version":2,"operations":[]}`,
		"empty.json":    `{"group":" "}`,
		"unnamed.json":  `{"":"{__typename}"}`,
		"twice.json":    `{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","body":"{a}"},{"id":"a","body":"{b}"}]}`,
		"missing/x.txt": "",
	} {
		file := filepath.Join(t.TempDir(), name)
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if trusted, err := document.LoadTrusted(file); err == nil {
			t.Errorf("%s: loaded %v", name, trusted)
		}
	}
}

func TestPersistedQueriesAreBounded(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	js := []string{"Content-Type", "application/json"}
	const n, size = 200, 100 << 10
	long := func(i int) string { return groupQuery + "#" + strings.Repeat("x", size) + fmt.Sprint(i) }
	found := 0
	for i := range n {
		if got := send(t, http.MethodPost, target, apq(hashOf(long(i)), long(i)), js...); got.text != groupResponse {
			t.Fatalf("%.300s", got.text)
		}
	}
	for i := range n {
		if send(t, http.MethodPost, target, apq(hashOf(long(i)), ""), js...).code() == "" {
			found++
		}
	}
	if most := 16 << 20 / size; found == 0 || found > most+1 {
		t.Errorf("%d long texts are kept, want 1 to %d", found, most)
	}
}
