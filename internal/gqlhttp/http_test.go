package gqlhttp_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/document"
)

func TestRequestsThatAreNotGraphQL(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{Limits: document.Limits{Body: 1000}})
	right := `{"query":"{__typename}"}`
	js := []string{"Content-Type", "application/json"}
	for _, test := range []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		code                       string
	}{
		{"PUT", "PUT", "", right, js, 405, "BAD_USER_INPUT"},
		{"DELETE", "DELETE", "", "", nil, 405, "BAD_USER_INPUT"},
		{"Accept of pages only", "POST", "", right, append(js, "Accept", "text/html"), 406, "BAD_USER_INPUT"},
		{"Accept that refuses both", "POST", "", right, append(js, "Accept", "*/*;q=1, application/*;q=0"), 406, "BAD_USER_INPUT"},
		{"no Content-Type", "POST", "", right, nil, 415, "BAD_USER_INPUT"},
		{"text/plain", "POST", "", right, []string{"Content-Type", "text/plain"}, 415, "BAD_USER_INPUT"},
		{"form", "POST", "", "query={__typename}", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "BAD_USER_INPUT"},
		{"multipart form", "POST", "", right, []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "BAD_USER_INPUT"},
		{"JSON in Latin-1", "POST", "", right, []string{"Content-Type", "application/json; charset=iso-8859-1"}, 415, "BAD_USER_INPUT"},
		{"broken Content-Type", "POST", "", right, []string{"Content-Type", "application/json; charset"}, 415, "BAD_USER_INPUT"},
		{"GET with text/plain", "GET", "?query={__typename}", "", []string{"Content-Type", "text/plain"}, 415, "BAD_USER_INPUT"},
		{"GET with an odd type", "GET", "?query={__typename}", "", []string{"Content-Type", "text/plain; charset=utf-8; x"}, 415, "BAD_USER_INPUT"},
		{"a compressed body", "POST", "", right, append(js, "Content-Encoding", "gzip"), 415, "BAD_USER_INPUT"},
		{"empty body", "POST", "", "", js, 400, "BAD_USER_INPUT"},
		{"broken JSON", "POST", "", `{"query":"secret`, js, 400, "BAD_USER_INPUT"},
		{"two JSON values", "POST", "", right + right, js, 400, "BAD_USER_INPUT"},
		{"a batch", "POST", "", "[" + right + "]", js, 400, "BAD_USER_INPUT"},
		{"null", "POST", "", "null", js, 400, "BAD_USER_INPUT"},
		{"query of a wrong type", "POST", "", `{"query":["secret"]}`, js, 400, "BAD_USER_INPUT"},
		{"variables of a wrong type", "POST", "", `{"query":"{__typename}","variables":"secret"}`, js, 400, "BAD_USER_INPUT"},
		{"extensions of a wrong type", "POST", "", `{"query":"{__typename}","extensions":[1]}`, js, 400, "BAD_USER_INPUT"},
		{"operationName of a wrong type", "POST", "", `{"query":"{__typename}","operationName":{}}`, js, 400, "BAD_USER_INPUT"},
		{"no query", "POST", "", `{"variables":{}}`, js, 400, "BAD_USER_INPUT"},
		{"GET without a query", "GET", "", "", nil, 400, "BAD_USER_INPUT"},
		{"GET with broken variables", "GET", "?query={__typename}&variables={secret", "", nil, 400, "BAD_USER_INPUT"},
		{"GET with a broken URL", "GET", "?query=%zz", "", nil, 400, "BAD_USER_INPUT"},
		{"a large body", "POST", "", strings.Repeat("secret", 200), js, 413, "QUERY_TOO_COMPLEX"},
		{"a long URL", "GET", "?query=" + strings.Repeat("secret", 200), "", nil, 414, "QUERY_TOO_COMPLEX"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := send(t, test.method, target+test.target, test.body, test.headers...)
			if got.StatusCode != test.status || got.code() != test.code {
				t.Errorf("%d %s, want %d %s", got.StatusCode, got.text, test.status, test.code)
			}
			if strings.Contains(got.text, "secret") {
				t.Errorf("the response repeats what was sent: %s", got.text)
			}
			if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Content-Type") != jsonMedia {
				t.Errorf("headers: %v", got.Header)
			}
			if allow := got.Header.Get("Allow"); (allow != "") != (test.status == http.StatusMethodNotAllowed) {
				t.Errorf("Allow is %q", allow)
			}
		})
	}
}

func TestBodyOfUnknownLengthIsBounded(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{Limits: document.Limits{Body: 1000}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", 5000))})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestAcceptIsWeighed(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	for accept, want := range map[string]string{
		"":                                  jsonMedia,
		"*/*":                               jsonMedia,
		"application/*":                     jsonMedia,
		"application/json":                  jsonMedia,
		"APPLICATION/JSON":                  jsonMedia,
		"application/graphql-response+json": responseMedia,
		"application/json, application/graphql-response+json":                responseMedia,
		"application/json, application/graphql-response+json;q=0.9":          jsonMedia,
		"application/json;q=0.5, application/graphql-response+json;q=0.6":    responseMedia,
		"application/graphql-response+json;q=0, */*":                         jsonMedia,
		"application/json;q=0, */*":                                          responseMedia,
		"text/html, application/xhtml+xml, */*;q=0.8":                        jsonMedia,
		`text/html;x="application/graphql-response+json,", application/json`: jsonMedia,
		"application/graphql-response+json; charset=utf-8":                   responseMedia,
		"gibberish;;=, application/json":                                     jsonMedia,
		"application/json;q=2":                                               jsonMedia,
	} {
		got := post(t, target, groupQuery, "Accept", accept)
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != want {
			t.Errorf("Accept: %s: %d %s, want %s", accept, got.StatusCode, got.Header.Get("Content-Type"), want)
		}
	}
}

func TestHeadAndOptions(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	got := send(t, http.MethodHead, target+"?query="+url.QueryEscape(groupQuery), "")
	if got.StatusCode != http.StatusOK || got.text != "" || got.ContentLength != int64(len(groupResponse)) || got.Header.Get("ETag") == "" {
		t.Errorf("HEAD: %d %q %v", got.StatusCode, got.text, got.Header)
	}
	got = send(t, http.MethodOptions, target, "")
	if got.StatusCode != http.StatusNoContent || got.Header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("OPTIONS: %d %v", got.StatusCode, got.Header)
	}
}

func TestOperationIsChosenByName(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	const two = `{"query":"query A { a: __typename } query B { b: __typename }"%s}`
	for name, test := range map[string]struct{ add, want, message string }{
		"named":   {`,"operationName":"B"`, `{"data":{"b":"Query"}}`, ""},
		"unnamed": {``, "", "The document has several operations; operationName must say which one to run."},
		"unknown": {`,"operationName":"C"`, "", "The document has no operation of the name that operationName gives."},
	} {
		got := send(t, http.MethodPost, target, strings.Replace(two, "%s", test.add, 1), "Content-Type", "application/json")
		switch {
		case test.want != "" && got.text != test.want:
			t.Errorf("%s: %s", name, got.text)
		case test.message != "" && (got.code() != "OPERATION_RESOLUTION_FAILURE" || got.body.Errors[0].Message != test.message):
			t.Errorf("%s: %s", name, got.text)
		}
	}
}

func TestDeferredPartsEqualPlainResponse(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	for _, query := range []string{
		`{ scalingGroup(groupId: "g") { ... @defer { id } region } }`,
		`{ scalingGroup(groupId: "g") { ...f @defer(label: "f") region } } fragment f on ScalingGroup { id }`,
		`query($d: Boolean = true) { scalingGroup(groupId: "g") { ... @defer(if: $d) { id } region } }`,
	} {
		for range 2 { // read anew, and remembered
			if got := post(t, target, query, "Accept", "multipart/mixed;deferSpec=20991231, application/json, */*"); got.text != groupResponse {
				t.Errorf("%s: %s", query, got.text)
			}
		}
	}
}

// TestGetCausesNothing runs a schema that has a mutation, as ours has none.
func TestGetCausesNothing(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: "type Query { a: Int } type Mutation { b: Int }"})
	executed := false
	h := gqlhttp.NewHandler(&graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: noComplexity,
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			executed = true
			return graphql.OneShot(&graphql.Response{Data: []byte(`{"b":1}`)})
		},
	}, gqlhttp.Config{})
	target := start(t, h)
	got := send(t, http.MethodGet, target+"?query=mutation{b}", "")
	if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "POST" || executed {
		t.Errorf("GET: %d %s, executed: %t", got.StatusCode, got.text, executed)
	}
	if got = post(t, target, "mutation{b}"); got.text != `{"data":{"b":1}}` || !executed {
		t.Errorf("POST: %s", got.text)
	}
}

func noComplexity(context.Context, string, string, int, map[string]any) (int, bool) { return 0, false }
