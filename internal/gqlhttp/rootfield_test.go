package gqlhttp_test

import (
	"net/http"
	"testing"

	"scalegraph/internal/gqlhttp"
)

// TestSubscriptionSelectsExactlyOneRootField covers what the validation rules of the specification let pass.
func TestSubscriptionSelectsExactlyOneRootField(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	for name, query := range map[string]string{
		"two aliases":           `subscription { a: scalingActivityChanged(groups: [{groupId: "a"}]) { cursor } b: scalingActivityChanged(groups: [{groupId: "b"}]) { cursor } }`,
		"two aliases, fragment": `subscription { a: scalingActivityChanged(groups: [{groupId: "a"}]) { cursor } ...F } fragment F on Subscription { b: scalingActivityChanged(groups: [{groupId: "b"}]) { cursor } }`,
		"skipped":               `subscription { scalingActivityChanged(groups: [{groupId: "a"}]) @skip(if: true) { cursor } }`,
		"not included":          `subscription ($v: Boolean = false) { ... @include(if: $v) { scalingActivityChanged(groups: [{groupId: "a"}]) { cursor } } }`,
	} {
		for _, accept := range []string{"text/event-stream", "multipart/mixed;subscriptionSpec=1.0, application/json"} {
			got := send(t, http.MethodPost, target, `{"query":`+quoted(query)+`}`, "Content-Type", "application/json", "Accept", accept)
			if got.code() != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%s, %s: %d %s", name, accept, got.StatusCode, got.text)
			}
		}
	}
}
