package gqlhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"scalegraph/internal/gqlhttp"
	"scalegraph/upstream"
)

// FuzzTransport sends arbitrary requests. The response is always JSON or compressed, bounded, and coded, and never an internal error.
func FuzzTransport(f *testing.F) {
	for _, c := range clients() {
		accept, contentType := "", ""
		for i := 0; i < len(c.headers); i += 2 {
			switch c.headers[i] {
			case "Accept":
				accept = c.headers[i+1]
			case "Content-Type":
				contentType = c.headers[i+1]
			}
		}
		f.Add("POST", "", accept, contentType, "gzip, br;q=0.5", "", strings.ReplaceAll(c.body, "%q", quoted("query Q "+groupQuery)))
	}
	f.Add("GET", "query="+url.QueryEscape(groupQuery)+`&variables={"a":[null,1e400]}`, "*/*;q=0.1", "", "zstd", `"x"`, "")
	f.Add("HEAD", "documentId=sha256:00&extensions={}", "text/html", "text/plain", "*;q=0", "*", "")
	f.Add("POST", "", "", "application/json", "", "", apq(hashOf(groupQuery), groupQuery))
	f.Add("OPTIONS", "", "", "", "", "", "")
	for _, a := range attacks() {
		if len(a.body) < 10_000 {
			f.Add("POST", "", "", "application/json", "", "", a.body)
		}
	}
	h := handler(root{group: func(_ context.Context, id string) (*upstream.Group, error) {
		if len(id) > 64 {
			return nil, errors.New("too long")
		}
		return &upstream.Group{ID: id, Project: "p", Region: "r"}, nil
	}}, gqlhttp.Config{Introspection: false, RequestTimeout: 5 * time.Second})
	f.Fuzz(func(t *testing.T, method, query, accept, contentType, acceptEncoding, ifNoneMatch, body string) {
		if !isMethod(method) {
			t.Skip("net/http lets no such method through")
		}
		r := httptest.NewRequest(method, "/graphql", strings.NewReader(body))
		r.URL.RawQuery = query
		for name, value := range map[string]string{"Accept": accept, "Content-Type": contentType, "Accept-Encoding": acceptEncoding, "If-None-Match": ifNoneMatch} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		checkResponse(t, w.Result(), w.Body.Bytes())
	})
}

// isMethod reports whether a text can be a method.
func isMethod(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') })
}

func checkResponse(t *testing.T, resp *http.Response, text []byte) {
	t.Helper()
	if resp.StatusCode >= http.StatusInternalServerError {
		t.Errorf("status %d: %.300s", resp.StatusCode, text)
	}
	if len(text) > maxReply {
		t.Errorf("%d bytes of a response: %.300s", len(text), text)
	}
	if len(text) == 0 {
		if resp.StatusCode != http.StatusNoContent && resp.StatusCode != http.StatusNotModified {
			t.Errorf("an empty %d", resp.StatusCode)
		}
		return
	}
	plain := []byte(decompress(t, resp.Header.Get("Content-Encoding"), string(text)))
	var response struct {
		Data   json.RawMessage
		Errors []replyError
	}
	if err := json.Unmarshal(plain, &response); err != nil {
		t.Fatalf("%v: %.300s", err, plain)
	}
	if response.Data == nil && response.Errors == nil {
		t.Errorf("neither data nor errors: %s", plain)
	}
	for _, e := range response.Errors {
		code, _ := e.Extensions["code"].(string)
		_, said := e.Extensions["retryable"].(bool)
		if code == "" || !said || e.Message == "" {
			t.Errorf("an error without a code, a word on trying again or a message: %s", plain)
		}
	}
}

// FuzzDocument sends documents of every shape, to a schema that they fit now and then.
func FuzzDocument(f *testing.F) {
	for _, a := range attacks() {
		var sent struct{ Query string }
		if json.Unmarshal([]byte(a.body), &sent) == nil && len(sent.Query) < 2_000 {
			f.Add(sent.Query)
		}
	}
	f.Add(wide)
	f.Add(`query Q($a: Boolean = true, $f: ScalingActivityFilter) @x { ...f @include(if: $a) scalingGroup(groupId: "g") { activities(first: 500, filter: $f) { edges { node { ... on Node { id } } } } } } fragment f on Query { nodes(ids: [1, "2"]) { __typename ... on ScalingActivity @defer { type } } }`)
	h := handler(root{}, gqlhttp.Config{Introspection: true})
	f.Fuzz(func(t *testing.T, query string) {
		if len(query) > 20_000 {
			t.Skip("longer than tokens are worth trying")
		}
		r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body(query, nil)))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		began := time.Now()
		h.ServeHTTP(w, r)
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v", took)
		}
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("status %d: %.300s", w.Code, w.Body)
		}
	})
}
