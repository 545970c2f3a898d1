package upstream

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"scalegraph/internal/request"
)

func TestFailuresAreLoggedOnceAndWithoutTokens(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		level  string
	}{
		"the upstream's fault": {500, `{"error":{"code":"AS.0001","message":"token s3cret"}}`, "WARN"},
		"throttled":            {429, "", "WARN"},
		"no page":              {200, "<html>", "WARN"},
		"the caller's fault":   {401, `{"error_msg":"bad token s3cret","error_code":"APIG.0301"}`, "DEBUG"},
		"unknown group":        {400, `{"error":{"code":"AS.2007","message":"x"}}`, "DEBUG"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			c := serve(t, says(tc.status, tc.body), func(cfg *Config) {
				cfg.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			ctx := request.WithCaller(t.Context(), &request.Caller{Token: "s3cret"})
			_, _ = c.List(ctx, ListQuery{Group: testGroup, Limit: 1})
			if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level="+tc.level) || strings.Contains(got, "s3cret") {
				t.Errorf("logged %s", got)
			}
		})
	}
}

func TestOpenCircuitAndCanceledCallAreNoWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := &script{statuses: []int{500}}
		c := scripted(t, s)
		c.log = slog.New(slog.NewTextHandler(&out, nil))
		fail(t, c, s)
		warnings := strings.Count(out.String(), "WARN")
		_, _ = list(t, c)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = c.List(gone, ListQuery{Group: Group{"there", "p", "g"}, Limit: 1})
		if got := strings.Count(out.String(), "WARN"); got != warnings {
			t.Errorf("logged %s", out.String())
		}
	})
}
