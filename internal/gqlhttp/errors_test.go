package gqlhttp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

func failing(err error) root {
	return root{group: func(context.Context, string) (*upstream.Group, error) { return nil, err }}
}

func TestUnknownErrorsStaySecret(t *testing.T) {
	var log bytes.Buffer
	cfg := gqlhttp.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}
	panicking := root{group: func(context.Context, string) (*upstream.Group, error) { panic("secret") }}
	for name, r := range map[string]root{"error": failing(errors.New("secret")), "panic": panicking} {
		log.Reset()
		got := post(t, serve(t, r, cfg), groupQuery, "X-Request-Id", "r-1")
		if got.StatusCode != http.StatusOK || got.code() != "INTERNAL" || strings.Contains(got.text, "secret") {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.text)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "requestId=r-1") || !strings.Contains(log.String(), "secret") {
			t.Errorf("%s: the log has %d lines: %s", name, lines, log.String())
		}
	}
}

func TestEveryErrorHasACode(t *testing.T) {
	presenter := func(_ context.Context, err error) *gqlerror.Error {
		return &gqlerror.Error{Message: strings.Repeat("ä", 1000), Extensions: map[string]any{"code": err.Error()}}
	}
	for code, retryable := range map[string]bool{"RATE_LIMITED": true, "NOT_FOUND": false, "UPSTREAM_TIMEOUT": true} {
		got := post(t, serve(t, failing(&gqlerror.Error{Message: code}), gqlhttp.Config{ErrorPresenter: func(ctx context.Context, _ error) *gqlerror.Error {
			return presenter(ctx, errors.New(code))
		}}), groupQuery)
		if got.code() != code || got.body.Errors[0].Extensions["retryable"] != retryable {
			t.Errorf("%s: %.200s", code, got.text)
		}
		if message := got.body.Errors[0].Message; len(message) > 410 || strings.ContainsRune(message, '\ufffd') {
			t.Errorf("message: %q", message)
		}
	}
	got := post(t, serve(t, root{}, gqlhttp.Config{ErrorPresenter: graphql.DefaultErrorPresenter}), `{ nodes(ids: []) { id } }`)
	if got.code() != "INTERNAL" {
		t.Errorf("an error without a code: %s", got.text)
	}
}

func TestBudgetOfUpstreamCalls(t *testing.T) {
	spending := root{group: func(ctx context.Context, id string) (*upstream.Group, error) {
		return &upstream.Group{ID: id}, request.CallerFrom(ctx).TakeCall()
	}}
	target := serve(t, spending, gqlhttp.Config{Limits: document.Limits{UpstreamCalls: 3}})
	got := post(t, target, `{`+numbered(4, "a%d: scalingGroup(groupId: 1) { region } ")+`}`, "Scalegraph-Explain", "1")
	if len(got.body.Errors) != 1 || got.code() != "QUERY_TOO_COMPLEX" || got.body.Errors[0].Message != "The operation needs more than 3 upstream calls; at most 3 are allowed." {
		t.Errorf("%s", got.text)
	}
}

func TestErrorsAreFew(t *testing.T) {
	groups := numbered(50, "a%d: scalingGroup(groupId: 1) { region } ")
	many := root{group: func(ctx context.Context, _ string) (*upstream.Group, error) {
		for i := range 4 {
			graphql.AddError(ctx, gqlerror.Errorf("failure %d", i))
		}
		return nil, nil
	}}
	got := post(t, serve(t, many, gqlhttp.Config{}), "{"+groups+"}")
	if len(got.body.Errors) != 100 || got.body.Extensions["errorsLeftOut"] != 100.0 {
		t.Errorf("%d errors, %v", len(got.body.Errors), got.body.Extensions)
	}
}

// TestHangUp has a client go away, and sees its work end.
func TestHangUp(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	target := serve(t, root{group: func(ctx context.Context, _ string) (*upstream.Group, error) {
		close(began)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil, ctx.Err()
	}}, gqlhttp.Config{})
	ctx, hangUp := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body(groupQuery, nil)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	go func() {
		<-began
		hangUp()
	}()
	if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
		resp.Body.Close()
		t.Error("the client got a response")
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the work ended by %v", err)
	}
}

func TestVariablesAreStrict(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		type Query { f(i: Int, l: [Int!], d: ID, s: String, b: Boolean, x: Float, e: E, o: One, in: In, any: Any): Int }
		enum E { A B }
		scalar Any
		input One @oneOf { a: Int b: String }
		input In { n: Int! m: Int! = 1 in: In one: One }`})
	h := gqlhttp.NewHandler(&graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: noComplexity,
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return graphql.OneShot(&graphql.Response{Data: []byte(`{"f":1}`)})
		},
	}, gqlhttp.Config{})
	target := start(t, h)
	for _, test := range []struct {
		declared, arg, value string
		message              string // empty where the value is right
	}{
		{"Int", "i", `5`, ""},
		{"Int", "i", `null`, ""},
		{"Int!", "i", `null`, "The variable $v must not be null."},
		{"Int", "i", `"5"`, "The variable $v is no Int."},
		{"Int", "i", `5.5`, "The variable $v is no Int."},
		{"Int", "i", `2147483647`, ""},
		{"Int", "i", `2147483648`, "The variable $v is no Int."},
		{"Int", "i", `-2147483649`, "The variable $v is no Int."},
		{"Int", "i", `true`, "The variable $v is no Int."},
		{"[Int!]", "l", `[1,2]`, ""},
		{"[Int!]", "l", `1`, ""},
		{"[Int!]", "l", `[1,"2"]`, "The variable $v[1] is no Int."},
		{"[Int!]", "l", `[null]`, "The variable $v[0] must not be null."},
		{"ID", "d", `"x"`, ""},
		{"ID", "d", `7`, ""},
		{"ID", "d", `7.5`, "The variable $v is no ID."},
		{"String", "s", `"x"`, ""},
		{"String", "s", `1`, "The variable $v is no String."},
		{"Boolean", "b", `true`, ""},
		{"Boolean", "b", `"true"`, "The variable $v is no Boolean."},
		{"Float", "x", `1.5`, ""},
		{"Float", "x", `"1.5"`, "The variable $v is no Float."},
		{"E", "e", `"A"`, ""},
		{"E", "e", `"C"`, "The variable $v is no value of E."},
		{"E", "e", `1`, "The variable $v is no value of E."},
		{"Any", "any", `{"a":[1]}`, ""},
		{"One", "o", `{"a":1}`, ""},
		{"One", "o", `{"a":1,"b":"x"}`, "The variable $v must have exactly one member, which is not null."},
		{"One", "o", `{"a":null}`, "The variable $v must have exactly one member, which is not null."},
		{"One", "o", `{}`, "The variable $v must have exactly one member, which is not null."},
		{"One", "o", `{"c":1}`, "The variable $v has a member that One does not have."},
		{"In", "in", `{"n":1}`, ""},
		{"In", "in", `{"m":1}`, "The variable $v.n is required."},
		{"In", "in", `{"n":1,"in":{"n":1,"one":{"a":1,"b":"x"}}}`, "The variable $v.in.one must have exactly one member, which is not null."},
		{"In", "in", `[1]`, "The variable $v must be an object of In."},
		{"Int!", "i", "", "The variable $v is required."},
	} {
		variables := `{"v":` + test.value + `}`
		if test.value == "" {
			variables = "{}"
		}
		body := fmt.Sprintf(`{"query":"query($v:%s){f(%s:$v)}","variables":%s}`, test.declared, test.arg, variables)
		got := send(t, http.MethodPost, target, body, "Content-Type", "application/json")
		switch {
		case test.message == "" && got.body.Errors != nil:
			t.Errorf("%s %s: %s", test.declared, test.value, got.text)
		case test.message != "" && (got.code() != "BAD_USER_INPUT" || got.body.Errors[0].Message != test.message):
			t.Errorf("%s %s: %s", test.declared, test.value, got.text)
		}
	}
	if got := post(t, target, "{f(i:3000000000)}"); got.code() != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("a literal of more than 32 bits: %s", got.text)
	}
}
