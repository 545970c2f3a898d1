package upstream

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"scalegraph/internal/request"
)

func statusError(t *testing.T, err error) *StatusError {
	t.Helper()
	var se *StatusError
	if !errors.As(err, &se) {
		t.Fatalf("%v is no StatusError", err)
	}
	return se
}

const (
	html    = "<html><body><h1>502 Bad Gateway</h1></body></html>"
	fromHdr = "0123456789abcdef0123456789abcdef"
)

func TestEveryErrorHasItsSentinel(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   error
		code   string
	}{
		"401 of the service":       {401, `{"error":{"code":"AS.0005","message":"no token"}}`, ErrUnauthenticated, "AS.0005"},
		"401 of the gateway":       {401, `{"error_msg":"wrong","error_code":"APIG.0301","request_id":"r"}`, ErrUnauthenticated, "APIG.0301"},
		"401 of the other gateway": {401, `{"error_msg":"expired","error_code":"APIGW.0307","request_id":"r"}`, ErrUnauthenticated, "APIGW.0307"},
		"401 of IAM":               {401, `{"error":{"code":401,"message":"x","title":"Unauthorized"}}`, ErrUnauthenticated, "401"},
		"401 as HTML":              {401, html, ErrUnauthenticated, ""},
		"401 and nothing":          {401, "", ErrUnauthenticated, ""},
		"role missing":             {403, `{"error":{"code":"AS.0011","message":"x"}}`, ErrForbidden, "AS.0011"},
		"gateway forbids":          {403, `{"error_msg":"x","error_code":"APIG.0302","request_id":"r"}`, ErrForbidden, "APIG.0302"},
		"foreign project":          {400, `{"error":{"code":"AS.0008","message":"x"}}`, ErrForbidden, "AS.0008"},
		"policy lacks the action":  {400, `{"error_code":"AS.0031","error_msg":"x"}`, ErrForbidden, "AS.0031"},
		"unknown group":            {400, `{"error":{"code":"AS.2007","message":"x"}}`, ErrNotFound, "AS.2007"},
		"unknown group, flat":      {400, `{"error_code":"AS.2007","error_msg":"x"}`, ErrNotFound, "AS.2007"},
		"unknown group as 404":     {404, `{"error":{"code":"AS.2007","message":"x"}}`, ErrNotFound, "AS.2007"},
		"throttled":                {429, `{"error_msg":"x","error_code":"APIG.0308","request_id":"r"}`, ErrRateLimited, "APIG.0308"},
		"request timeout":          {408, "", ErrTimeout, ""},
		"gateway timeout":          {504, html, ErrTimeout, ""},
		"internal":                 {500, `{"error":{"code":"AS.0001","message":"x"}}`, ErrUnavailable, "AS.0001"},
		"501":                      {501, "", ErrUnavailable, ""},
		"bad gateway":              {502, html, ErrUnavailable, ""},
		"unavailable":              {503, `{"error_msg":"x","error_code":"APIG.0613","request_id":"r"}`, ErrUnavailable, "APIG.0613"},
		"bad type":                 {400, `{"error":{"code":"AS.9012","message":"x"}}`, ErrRejected, "AS.9012"},
		"group empty":              {400, `{"error":{"code":"AS.2009","message":"x"}}`, ErrRejected, "AS.2009"},
		"path unknown":             {404, `{"error_msg":"x","error_code":"APIG.0101","request_id":"r"}`, ErrBadResponse, "APIG.0101"},
		"404 as HTML":              {404, html, ErrBadResponse, ""},
		"method":                   {405, "", ErrBadResponse, ""},
		"not acceptable":           {406, "", ErrRejected, ""},
		"proxy":                    {407, "", ErrRejected, ""},
		"conflict":                 {409, "", ErrRejected, ""},
		"too large":                {494, "", ErrRejected, ""},
		"code is no code":          {400, `{"error":{"code":"<b>AS.2007</b>","message":"x"}}`, ErrRejected, ""},
		"error is a text":          {400, `{"error":"x"}`, ErrRejected, ""},
		"a list":                   {400, `[{"error_code":"AS.2007"}]`, ErrRejected, ""},
		"no content":               {204, "", ErrBadResponse, ""},
		"accepted":                 {202, emptyPage, ErrBadResponse, ""},
		"not modified":             {304, "", ErrBadResponse, ""},
		"beyond":                   {600, "", ErrBadResponse, ""},
		"200 as HTML":              {200, html, ErrBadResponse, ""},
		"200 and nothing":          {200, "", ErrBadResponse, ""},
		"200 with an error":        {200, `{"error_msg":"x","error_code":"APIG.0201","request_id":"r"}`, ErrBadResponse, "APIG.0201"},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Request-Id", fromHdr)
				says(tc.status, tc.body)(w, r)
			}, func(cfg *Config) { cfg.retry.retries = 0 })
			l, err := list(t, c)
			se := statusError(t, err)
			if se.Err != tc.want || se.Status != tc.status || se.Code != tc.code || se.RequestID != fromHdr {
				t.Errorf("got %+v", se)
			}
			if l.Rows != nil || l.Total != 0 {
				t.Errorf("a listing came with the error: %+v", l)
			}
		})
	}
}

func TestRequestIDFromBody(t *testing.T) {
	for name, tc := range map[string]struct{ header, body, want string }{
		"body":          {"", `{"error_msg":"x","error_code":"APIG.0308","request_id":"b0d1"}`, "b0d1"},
		"header first":  {"a1", `{"request_id":"b0d1"}`, "a1"},
		"neither":       {"", html, ""},
		"harmful":       {"<script>", `{"request_id":"a b"}`, ""},
		"header's junk": {"http://10.0.0.1/?x", `{"request_id":"b0d1"}`, "b0d1"},
		"far too long":  {strings.Repeat("a", 129), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := list(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.header != "" {
					w.Header().Set("X-Request-Id", tc.header)
				}
				says(400, tc.body)(w, r)
			}))
			if got := statusError(t, err).RequestID; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMessagesAreSanitizedForLogs(t *testing.T) {
	const secret = "MIIEtoken"
	for name, tc := range map[string]struct{ body, want string }{
		"nested":       {`{"error":{"code":"AS.2007","message":"no such group"}}`, "no such group"},
		"flat":         {`{"error_code":"AS.2007","error_msg":"no such group"}`, "no such group"},
		"title":        {`{"error":{"code":401,"title":"Unauthorized"}}`, "Unauthorized"},
		"HTML":         {html, html},
		"no message":   {`{"x": 1}`, `{"x": 1}`},
		"lines":        {"a\r\n\tb\x1b[31m\x00c", "a b [31m c"},
		"secret":       {`{"error":{"message":"cannot decrypt ` + secret + `: bad"}}`, "cannot decrypt [token]: bad"},
		"long":         {strings.Repeat("x", 299) + "é", strings.Repeat("x", 299) + "…"},
		"invalid text": {"a\xff\xfeb", "ab"},
		"empty":        {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, says(400, tc.body))
			ctx := request.WithCaller(t.Context(), &request.Caller{Token: secret})
			_, err := c.List(ctx, ListQuery{Group: testGroup, Limit: 1})
			if got := statusError(t, err).Message; got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestRetryAfterInBothForms(t *testing.T) {
	for name, tc := range map[string]struct {
		header   string
		min, max time.Duration
	}{
		"none":         {"", 0, 0},
		"seconds":      {"7", 7 * time.Second, 7 * time.Second},
		"zero":         {"0", 0, 0},
		"negative":     {"-7", 0, 0},
		"fraction":     {"1.5", 0, 0},
		"huge":         {"99999999999", 24 * time.Hour, 24 * time.Hour},
		"beyond":       {strings.Repeat("9", 40), 0, 0},
		"date":         {time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), 50 * time.Second, time.Minute},
		"date gone by": {"Wed, 21 Oct 2015 07:28:00 GMT", 0, 0},
		"junk":         {"soon", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := list(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", tc.header)
				says(429, "")(w, r)
			}, func(cfg *Config) { cfg.retry.retries = 0 }))
			if got := statusError(t, err).RetryAfter; got < tc.min || got > tc.max {
				t.Errorf("got %v, want %v to %v", got, tc.min, tc.max)
			}
		})
	}
}

func FuzzParseErrorBody(f *testing.F) {
	for _, seed := range []string{
		`{"error":{"code":"AS.2007","message":"x"}}`, `{"error_msg":"x","error_code":"APIG.0308","request_id":"r"}`,
		`{"error":{"code":401,"title":"x"}}`, html, `{"error":{"error":{"error":null}}}`, "", "\xff", `[1]`, `"x"`,
	} {
		f.Add(seed, "secret")
	}
	f.Fuzz(func(t *testing.T, body, secret string) {
		a := &response{status: 400, header: http.Header{}, body: body}
		e := a.failure(secret)
		if len(e.Code) > 128 || strings.ContainsAny(e.Code+e.RequestID, " <>\"\n/") {
			t.Errorf("code %q, request id %q", e.Code, e.RequestID)
		}
		if len(e.Message) > 310 || !utf8.ValidString(e.Message) || strings.ContainsFunc(e.Message, unicode.IsControl) {
			t.Errorf("message %q", e.Message)
		}
	})
}
