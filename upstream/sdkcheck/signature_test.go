package sdkcheck

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"

	"scalegraph/upstream/sign"
)

// input is a request for both signers.
type input struct {
	segments []string   // of the path, none with a slash
	query    url.Values // at least one value a name
	token    string
}

var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// theirs returns the Authorization header of the SDK.
func theirs(t *testing.T, a input) string {
	t.Helper()
	b := request.NewHttpRequestBuilder().WithEndpoint("https://as.example.com").WithMethod(http.MethodGet).WithPath("/"+strings.Join(a.segments, "/")).
		AddHeaderParam("X-Project-Id", project).AddHeaderParam("X-Sdk-Date", at.Format("20060102T150405Z"))
	if a.token != "" {
		b.AddHeaderParam("X-Security-Token", a.token)
	}
	for name, values := range a.query {
		b.AddQueryParam(name, reflect.ValueOf(values))
	}
	headers, err := signer.Sign(b.Build(), "AK", "SK")
	if err != nil {
		t.Fatal(err)
	}
	return headers["Authorization"]
}

// ours returns our Authorization header.
func ours(t *testing.T, a input) string {
	t.Helper()
	segments := make([]string, len(a.segments))
	for i, s := range a.segments {
		segments[i] = url.PathEscape(s)
	}
	target := "https://as.example.com/" + strings.Join(segments, "/") + "?" + strings.ReplaceAll(a.query.Encode(), "+", "%20")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Project-Id", project)
	sign.Keys{Access: "AK", Secret: "SK", SecurityToken: a.token}.Sign(req, at)
	return req.Header.Get("Authorization")
}

func compare(t *testing.T, a input) {
	t.Helper()
	if got, want := ours(t, a), theirs(t, a); got != want {
		t.Errorf("%q\nours   %s\ntheirs %s", a, got, want)
	}
}

func TestSignaturesAreEqual(t *testing.T) {
	list := []string{"autoscaling-api", "v2", project, "scaling_activity_log"}
	for name, a := range map[string]input{
		"plain":               {segments: append(list, group)},
		"temporary keys":      {segments: append(list, group), token: "abc/+= \tdef"},
		"a slash at the end":  {segments: append(list, group, "")},
		"a call as we make":   {segments: append(list, group), query: url.Values{"start_number": {"0"}, "limit": {"100"}, "start_time": {"2018-11-22T00:00:00Z"}, "type": {"NORMAL,DIFF"}}},
		"spaces and pluses":   {segments: append(list, "a b+c"), query: url.Values{"log_id": {"a b+c"}, "a b": {"+"}, "a+b": {" "}}},
		"unreserved":          {segments: append(list, "a-b._~Z09"), query: url.Values{"q": {"a-b._~Z09"}}},
		"stars and brackets":  {segments: append(list, "*'()!$&,;=:@[]"), query: url.Values{"q": {"*'()!$&,;=:@[]/?"}}},
		"percent signs":       {segments: append(list, "%", "%2F", "%zz"), query: url.Values{"q": {"%", "%2F", "%25"}}},
		"beyond ASCII":        {segments: append(list, "é世🦀"), query: url.Values{"é": {"世", "🦀"}}},
		"no UTF-8":            {segments: append(list, "\xff\x00\x7f"), query: url.Values{"q": {"\xff\x00\x7f"}}},
		"empty values":        {segments: append(list, group), query: url.Values{"log_id": {""}, "limit": {"", "0"}}},
		"many values":         {segments: append(list, group), query: url.Values{"b": {"2", "10", "1", "1"}, "a": {"z", "Z", "~", "é"}, "B": {"x"}}},
		"sorting of encoding": {segments: append(list, group), query: url.Values{"a": {"1"}, "a-": {"2"}, "a ": {"3"}, "aé": {"4"}, "a~": {"5"}, "a0": {"6"}}},
	} {
		t.Run(name, func(t *testing.T) { compare(t, a) })
	}
}

// Random requests of odd characters; the seed is fixed, so that a failure can be seen again.
func TestSignaturesOfRandomRequestsAreEqual(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	odd := []rune("ab Z09-._~+%/?#[]@!$&'()*,;=:\"<>\\^`{|}é世🦀\x00\n")
	word := func(alphabet string) string {
		text := make([]rune, 1+rng.IntN(8))
		for i := range text {
			text[i] = odd[rng.IntN(len(odd))]
		}
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(alphabet, r) {
				return 'x'
			}
			return r
		}, string(text))
	}
	for range 5000 {
		a := input{segments: []string{word("/"), word("/")}, query: url.Values{}}
		for range rng.IntN(4) {
			name := word("")
			for range 1 + rng.IntN(3) {
				a.query.Add(name, word(""))
			}
		}
		if rng.IntN(2) == 0 {
			a.token = "x" + word("\x00\n") + "x"
		}
		compare(t, a)
		if t.Failed() {
			return
		}
	}
}
