package gqlhttp_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"scalegraph/internal/gqlhttp"
)

// maxReply and maxTime bound what any attack may get out of us.
const (
	maxReply = 16 << 10
	maxTime  = 50 * time.Millisecond
)

// attack is a request made to cost us more than it costs the one who sends it.
type attack struct {
	name string
	body string // of a POST
	code string // of the first error
}

// attacks returns them all. Those that only repeat something do so as often as the limits on size and tokens let through, because
// what is over these is refused at once.
func attacks() []attack {
	q := func(query string) string { return body(query, nil) }
	return []attack{
		{"58 KiB of directives", q("{ __typename " + strings.Repeat("@aa", 58<<10/3) + " }"), "QUERY_TOO_COMPLEX"},
		{"as many directives as tokens allow", q("{ __typename " + strings.Repeat("@aa", 1900) + " }"), "QUERY_TOO_COMPLEX"},
		{"directives on operations", q(strings.Repeat("query @aa @bb @cc @dd @ee { __typename }", 200)), "GRAPHQL_VALIDATION_FAILED"},
		{"90 KiB of one field", q("{" + strings.Repeat("id ", 30<<10) + "}"), "QUERY_TOO_COMPLEX"},
		{"as often one field as tokens allow", q(inGroup(strings.Repeat("id ", 3900))), "QUERY_TOO_COMPLEX"},
		{"one field in many inline fragments", q(inGroup(strings.Repeat("...{id} ", 900))), "QUERY_TOO_COMPLEX"},
		{"one field in nested repeats", q(inGroup(strings.Repeat("activities{nodes{group{id}} pageInfo{endCursor}} ", 280))), "QUERY_TOO_COMPLEX"},
		{"240 KiB of aliases", q("{" + numbered(240<<10/15, "a%d:__typename ") + "}"), "QUERY_TOO_COMPLEX"},
		{"as many aliases as tokens allow", q("{" + numbered(1300, "a%d:__typename ") + "}"), "QUERY_TOO_COMPLEX"},
		{"aliases below fragments", q("{...a ...a ...a} fragment a on Query {" + numbered(50, "a%d:__typename ") + "}"), "QUERY_TOO_COMPLEX"},
		{"deep nesting", q("{" + strings.Repeat("a{", 900) + "a" + strings.Repeat("}", 900) + "}"), "QUERY_TOO_COMPLEX"},
		{"nesting beyond the parser", q("{" + strings.Repeat("a{", 20_000)), "GRAPHQL_PARSE_FAILED"},
		{"nested lists", q(`{ nodes(ids: ` + strings.Repeat("[", 1900) + strings.Repeat("]", 1900) + `) { id } }`), "GRAPHQL_PARSE_FAILED"},
		{"nested JSON", `{"query":"{__typename}","variables":` + strings.Repeat(`{"a":`, 20_000) + `1` + strings.Repeat("}", 20_000) + `}`, "BAD_USER_INPUT"},
		{"doubling fragments", q("{...f0}" + numbered(60, "fragment f%[1]d on Query {...f%[2]d ...f%[2]d}") + "fragment f60 on Query {__typename}"), "QUERY_TOO_COMPLEX"},
		{"doubling fields", q("{...f0}" + numbered(15, "fragment f%[1]d on Query {a%[1]d:scalingGroup(groupId:1){id} ...f%[2]d ...f%[2]d}") + "fragment f15 on Query {__typename}"), "QUERY_TOO_COMPLEX"},
		{"a chain of fragments", q("{...f0}" + numbered(450, "fragment f%d on Query {...f%d}") + "fragment f450 on Query {__typename}"), "QUERY_TOO_COMPLEX"},
		{"a cycle of fragments", q("{...f0}" + numbered(40, "fragment f%[1]d on Query {...f%[2]d ...f%[2]d}") + "fragment f40 on Query {...f0}"), "QUERY_TOO_COMPLEX"},
		{"a small cycle of fragments", q("{...f0} fragment f0 on Query {...f1} fragment f1 on Query {...f0}"), "GRAPHQL_VALIDATION_FAILED"},
		{"a cycle behind a name used twice", q("{...f} fragment f on Query {__typename} fragment f on Query {...f}"), "GRAPHQL_VALIDATION_FAILED"},
		{"unused fragments", q("{__typename}" + numbered(400, "fragment f%d on Query {__typename}")), "GRAPHQL_VALIDATION_FAILED"},
		{"nested introspection", q("{__schema{types{fields{type{fields{type{fields{name}}}}}}}}"), "QUERY_TOO_COMPLEX"},
		{"introspection of possible types", q("{__schema{types{possibleTypes{interfaces{possibleTypes{name}}}}}}"), "QUERY_TOO_COMPLEX"},
		{"introspection over and over", q("{" + numbered(45, "a%d:__schema{types{name fields{name args{name} type{name}}}}") + "}"), "QUERY_TOO_COMPLEX"},
		{"introspected lists over and over", q("{__schema{" + numbered(60, "a%d:types{fields{name description args{name description defaultValue type{name}}}}") + "}}"), "QUERY_TOO_COMPLEX"},
		{"unknown fields", q(inGroup(numbered(1900, "activitiesx%d "))), "GRAPHQL_VALIDATION_FAILED"},
		{"unknown arguments", q(`{scalingGroup(groupId:"g" ` + numbered(1200, "groupIdx%d:1 ") + `){id}}`), "GRAPHQL_VALIDATION_FAILED"},
		{"unknown types", q("query(" + numbered(900, "$a%d:ScalingGroupRex ") + "){__typename}"), "GRAPHQL_VALIDATION_FAILED"},
		{"a long name", q("{" + strings.Repeat("scalingGroup", 20_000) + "}"), "GRAPHQL_VALIDATION_FAILED"},
		{"a long text for an enum", q(`{scalingGroup(groupId:"g"){latestActivity(filter:{status:"` + strings.Repeat("SUCCESS", 30_000) + `"}){id}}}`), "GRAPHQL_VALIDATION_FAILED"},
		{"comments", q(strings.Repeat("#\n", 100_000) + "{__typename}"), "QUERY_TOO_COMPLEX"},
		{"a list of ids", q(`{nodes(ids:[` + strings.Repeat("1 ", 3900) + `]){` + strings.Repeat("...{id} ", 30) + `}}`), "QUERY_TOO_COMPLEX"},
		{"rows times aliases", q(inGroup(numbered(90, "a%d:activities(first:500){edges{node{id rawType rawStatus description}}} "))), "QUERY_TOO_COMPLEX"},
		{"variables nobody uses", q("query(" + numbered(780, "$a%d:Int ") + "){__typename}"), "GRAPHQL_VALIDATION_FAILED"},
		{"huge variables", body("query($i:[ID!]!){nodes(ids:$i){id}}", map[string]any{"i": strings.Split(strings.Repeat("x,", 60_000), ",")}), "QUERY_TOO_COMPLEX"},
		{"huge variables of a wrong type", body("query($i:[ID!]!){nodes(ids:$i){id}}", map[string]any{"i": make([]any, 40_000)}), "BAD_USER_INPUT"},
		{"unknown variables", body("{__typename}", map[string]any{"i": strings.Repeat("x", 250_000)}), ""},
		{"a long operation name", `{"query":"{__typename}","operationName":"` + strings.Repeat("x", 250_000) + `"}`, "OPERATION_RESOLUTION_FAILURE"},
		{"JSON that is none", strings.Repeat("x", 250_000), "BAD_USER_INPUT"},
		{"a body over the limit", strings.Repeat(" ", 300_000), "QUERY_TOO_COMPLEX"},
	}
}

// body is that of a POST.
func body(query string, variables map[string]any) string {
	text, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func inGroup(selection string) string { return `{scalingGroup(groupId:"g"){` + selection + `}}` }

// numbered repeats a format with the numbers i and i+1.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		text := fmt.Sprintf(format, i, i+1)
		text, _, _ = strings.Cut(text, "%!(EXTRA")
		b.WriteString(text)
	}
	return b.String()
}

func TestAttacksAreRejected(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{Introspection: true})
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			got := send(t, http.MethodPost, target, a.body, "Content-Type", "application/json")
			if got.code() != a.code {
				t.Errorf("code is %q, want %q: %.300s", got.code(), a.code, got.text)
			}
			if len(got.text) > maxReply {
				t.Errorf("the response has %d bytes", len(got.text))
			}
			if got.StatusCode >= 500 {
				t.Errorf("status %d", got.StatusCode)
			}
			if a.code == "QUERY_TOO_COMPLEX" && len(numbers.FindAllString(got.body.Errors[0].Message, -1)) < 2 {
				t.Errorf("the message has not both numbers: %s", got.body.Errors[0].Message)
			}
		})
	}
}

// numbers finds those in a message.
var numbers = regexp.MustCompile(`\d+`)

// BenchmarkAttacks measures each attack, which may take maxTime.
func BenchmarkAttacks(b *testing.B) {
	target := serve(b, root{}, gqlhttp.Config{Introspection: true})
	for _, a := range attacks() {
		b.Run(strings.ReplaceAll(a.name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				send(b, http.MethodPost, target, a.body, "Content-Type", "application/json")
			}
			if each := b.Elapsed() / time.Duration(b.N); each > maxTime {
				b.Errorf("each took %v, more than %v", each, maxTime)
			}
		})
	}
}

// TestSlowBodyHoldsUpNobody has the server's read deadline end a body that does not come, while another request is served.
func TestSlowBodyHoldsUpNobody(t *testing.T) {
	s := httptest.NewUnstartedServer(handler(root{}, gqlhttp.Config{}))
	s.Config.ReadTimeout = 200 * time.Millisecond
	s.Start()
	t.Cleanup(s.Close)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")

	if got := post(t, s.URL, groupQuery); got.text != groupResponse {
		t.Errorf("the other request got %s", got.text)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(text), `"REQUEST_TIMEOUT"`) {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

// TestToolsIntrospect runs the introspection query that tools send, with every option.
func TestToolsIntrospect(t *testing.T) {
	query, err := os.ReadFile("testdata/introspection.graphql")
	if err != nil {
		t.Fatal(err)
	}
	got := post(t, serve(t, root{}, gqlhttp.Config{Introspection: true}), string(query))
	if got.body.Errors != nil || !strings.Contains(got.text, `"ScalingActivityConnection"`) {
		t.Errorf("%.500s", got.text)
	}
	got = post(t, serve(t, root{}, gqlhttp.Config{}), string(query))
	if got.code() != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("where it is switched off: %.500s", got.text)
	}
	got = post(t, serve(t, root{}, gqlhttp.Config{}), "{ scalingGroups { __typename } }")
	if strings.Contains(got.text, "Did you mean") {
		t.Errorf("a suggestion where introspection is switched off: %s", got.text)
	}
}
