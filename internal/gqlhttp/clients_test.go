package gqlhttp_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"scalegraph/internal/gqlhttp"
	"scalegraph/upstream"
)

// client is how one GraphQL client sends an operation, as recorded from it.
type client struct {
	name    string
	headers []string // pairs of name and value
	body    string   // %q stands for the query as JSON
	media   string   // that its responses must have
	streams bool     // takes a subscription over HTTP
}

const (
	jsonMedia     = "application/json; charset=utf-8"
	responseMedia = "application/graphql-response+json; charset=utf-8"
)

func clients() []client {
	return []client{
		{
			"Apollo Client 4",
			[]string{"Accept", "application/graphql-response+json,application/json;q=0.9", "Content-Type", "application/json"},
			`{"operationName":"Q","variables":{},"extensions":{"clientLibrary":{"name":"@apollo/client","version":"4.0.9"}},"query":%q}`,
			responseMedia,
			false,
		},
		{
			"urql 5",
			[]string{"Accept", "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed", "Content-Type", "application/json"},
			`{"operationName":"Q","query":%q,"variables":{}}`,
			responseMedia,
			true,
		},
		{
			"Relay",
			[]string{"Accept", "*/*", "Content-Type", "application/json"},
			`{"query":%q,"variables":{}}`,
			jsonMedia,
			false,
		},
		{
			"Relay with meros",
			[]string{"Accept", "application/json, multipart/mixed", "Content-Type", "application/json"},
			`{"query":%q,"variables":{},"operationName":"Q"}`,
			jsonMedia,
			false,
		},
		{
			"Apollo Kotlin 4",
			[]string{"Accept", "multipart/mixed;deferSpec=20220824, application/graphql-response+json, application/json", "Content-Type", "application/json"},
			`{"operationName":"Q","variables":{},"query":%q}`,
			responseMedia,
			false,
		},
		{
			"Apollo iOS",
			[]string{
				"Accept", "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json", "Content-Type", "application/json",
				"X-APOLLO-OPERATION-NAME", "Q", "X-APOLLO-OPERATION-TYPE", "query", "apollographql-client-name", "app-apollo-ios",
			},
			`{"operationName":"Q","variables":null,"query":%q}`,
			responseMedia,
			false,
		},
		{
			"Apollo iOS 1.0",
			[]string{"Accept", "multipart/mixed;deferSpec=20220824,application/json", "Content-Type", "application/json"},
			`{"operationName":"Q","query":%q}`,
			jsonMedia,
			false,
		},
		{
			"GraphiQL 5",
			[]string{"Accept", "application/json, multipart/mixed", "Content-Type", "application/json"},
			`{"query":%q,"operationName":"Q"}`,
			jsonMedia,
			false,
		},
		{
			"genqlient",
			[]string{"Content-Type", "application/json"},
			`{"query":%q,"variables":null,"operationName":"Q"}`,
			jsonMedia,
			false,
		},
		{
			"curl",
			[]string{"Accept", "*/*", "Content-Type", "application/json"},
			`{"query":%q}`,
			jsonMedia,
			false,
		},
	}
}

// TestClients sends what each client sends, and checks that each gets what it can read: never a stream for a plain query.
func TestClients(t *testing.T) {
	stuck := root{group: func(ctx context.Context, _ string) (*upstream.Group, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	ready := serve(t, root{}, gqlhttp.Config{})
	slow := serve(t, stuck, gqlhttp.Config{RequestTimeout: 20 * time.Millisecond})
	controlledRoot := serve(t, root{}, gqlhttp.Config{RequestTimeout: time.Nanosecond})
	draft := serve(t, root{}, gqlhttp.Config{StatusProfile: gqlhttp.Draft})

	ok, badRequest, unprocessable := http.StatusOK, http.StatusBadRequest, http.StatusUnprocessableEntity
	for _, c := range clients() {
		refused := ok
		if c.media == responseMedia {
			refused = badRequest
		}
		for _, test := range []struct {
			name, url, query string
			status           int
			code, body       string // body: empty where the messages are gqlgen's
		}{
			{"query", ready, "query Q " + groupQuery, ok, "", groupResponse},
			{"validation error", ready, "query Q { nothing }", refused, "GRAPHQL_VALIDATION_FAILED", ""},
			{"validation error by the draft", draft, "query Q { nothing }", unprocessable, "GRAPHQL_VALIDATION_FAILED", ""},
			{"parse error", ready, "query Q {", refused, "GRAPHQL_PARSE_FAILED", ""},
			{"parse error by the draft", draft, "query Q {", badRequest, "GRAPHQL_PARSE_FAILED", ""},
			{"timeout", slow, "query Q { scalingGroup(groupId: 1) { id } region: __typename }", ok, "REQUEST_TIMEOUT",
				`{"data":{"scalingGroup":null,"region":"Query"},"errors":[{"message":"The request ran out of time.","path":["scalingGroup"],` +
					`"locations":[{"line":1,"column":11}],"extensions":{"code":"REQUEST_TIMEOUT","retryable":true}}]}`},
			{"timeout before execution", controlledRoot, "query Q " + groupQuery, http.StatusServiceUnavailable, "REQUEST_TIMEOUT",
				`{"errors":[{"message":"The request ran out of time before it was executed.","extensions":{"code":"REQUEST_TIMEOUT","retryable":true}}]}`},
			{"subscription", ready, "subscription Q { scalingActivityChanged(groups: []) { cursor } }", http.StatusNotAcceptable, "BAD_USER_INPUT", ""},
		} {
			if test.name == "subscription" && c.streams {
				continue
			}
			t.Run(c.name+"/"+test.name, func(t *testing.T) {
				got := send(t, http.MethodPost, test.url, strings.ReplaceAll(c.body, "%q", quoted(test.query)), c.headers...)
				if got.StatusCode != test.status || got.Header.Get("Content-Type") != c.media {
					t.Errorf("%d %s, want %d %s", got.StatusCode, got.Header.Get("Content-Type"), test.status, c.media)
				}
				if got.code() != test.code {
					t.Errorf("code %q, want %q: %s", got.code(), test.code, got.text)
				}
				if test.body != "" && got.text != test.body {
					t.Errorf("got  %s\nwant %s", got.text, test.body)
				}
				if test.code != "" && test.status != http.StatusOK && got.body.Data != nil {
					t.Errorf("data where nothing was executed: %s", got.text)
				}
			})
		}
	}
}
