package emulator_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"scalegraph/upstream/emulator"
)

var hex32 = regexp.MustCompile(`^[0-9a-f]{32}$`)

func TestInvalidParameters(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.seed(3)
	for code, queries := range map[string][]string{
		"AS.9001": {"start_time=", "start_time=2026-03-01", "start_time=2026-03-01T12:00:00", "start_time=2026-03-01T12:00:00.5Z",
			"start_time=2026-03-01T12:00:00%2B01:00", "start_time=2026-13-01T12:00:00Z", "start_time=2026-02-30T12:00:00Z", "start_time=2026-03-01t12:00:00z", "start_time=1"},
		"AS.9002":   {"end_time=", "end_time=now", "end_time=2026-03-01 12:00:00Z", "start_time=2026-03-01T12:00:00Z&end_time=2026-03-01T24:00:01Z"},
		"AS.9003":   {"start_number=-1", "start_number=", "start_number=one", "start_number=1.0", "start_number=%2B1", "start_number=2147483648", "start_number=99999999999999999999", "start_number=0x1"},
		"AS.9004":   {"limit=-1", "limit=101", "limit=", "limit=ten", "limit=1e1", "limit=9999999999999999999999"},
		"AS.9005":   {"log_id=", "log_id=1", "log_id=" + strings.ToUpper(emulator.ID(10)[:8]) + "-0000-4000-8000-00000000000A", "log_id=" + emulator.ID(1) + "0", "log_id=" + emulator.ID(1) + "%0A"},
		"AS.9012":   {"type=", "type=NORMALLY", "type=normal", "type=NORMAL,", "type=,NORMAL", "type=NORMAL,%20DIFF", "type=MANUAL_ADD", "type=NORMAL,OTHER", "type=UNKNOWN"},
		"AS.9013":   {"status=", "status=done", "status=DING", "status=SUCCESS,FAIL", "status=success", "status=UNKNOWN"},
		"APIG.0201": {"limit=%zz", "limit=1;start_number=2"},
	} {
		for _, query := range queries {
			t.Run(code+" "+query, func(t *testing.T) {
				a := b.get(strings.ReplaceAll(query, " ", "%20"))
				if a.status != 400 || a.code() != code || !hex32.MatchString(a.header.Get("X-Request-Id")) {
					t.Errorf("%d %s, request id %q", a.status, a.raw, a.header.Get("X-Request-Id"))
				}
			})
		}
	}
}

func TestInvalidPaths(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.AddToken("everywhere")
	log := "/scaling_activity_log/"
	for _, c := range []struct {
		method, path, token string
		status              int
		code                string
	}{
		{"GET", "/", token, 404, "APIG.0101"},
		{"GET", "/autoscaling-api", token, 404, "APIG.0101"},
		{"GET", "/elsewhere/v2/p1" + log + group, token, 404, "APIG.0101"},
		{"GET", "/autoscaling-api/v3/p1" + log + group, token, 404, "AS.0033"},
		{"GET", "/autoscaling-api/v1/p1" + log + group, token, 404, "AS.0007"},
		{"GET", "/autoscaling-api/v2/p1/scaling_group/" + group, token, 404, "AS.0007"},
		{"GET", "/autoscaling-api/v2/p1" + log + group + "/", token, 404, "AS.0007"},
		{"GET", "/autoscaling-api/v2//" + log + group, token, 404, "AS.0007"},
		{"GET", "/autoscaling-api/v2/p1" + log, token, 400, "AS.2009"},
		{"GET", "/autoscaling-api/v2/p1" + log + "nobody", token, 400, "AS.2007"},
		{"GET", "/autoscaling-api/v2/p1" + log + "a%2Fb", token, 400, "AS.2007"},
		{"GET", "/autoscaling-api/v2/p2" + log + group, "everywhere", 400, "AS.2007"},
		{"GET", "/autoscaling-api/v2/p2" + log + group, token, 400, "AS.0008"},
		{"GET", path, "", 401, "APIG.0301"},
		{"GET", path, "another", 401, "APIG.0301"},
		{"POST", path, token, 405, "APIG.0101"},
		{"DELETE", path, token, 405, "APIG.0101"},
		{"PUT", path, "", 405, "APIG.0101"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			a := b.do(c.method, c.path, c.token)
			if a.status != c.status || a.code() != c.code || !hex32.MatchString(a.header.Get("X-Request-Id")) {
				t.Errorf("%d %s, want %d %s", a.status, a.raw, c.status, c.code)
			}
			if a.ErrorCode != "" && a.RequestID != a.header.Get("X-Request-Id") {
				t.Errorf("request id %q in the body, %q in the header", a.RequestID, a.header.Get("X-Request-Id"))
			}
		})
	}
	if a := b.do("POST", path, token); a.header.Get("Allow") != "GET" {
		t.Errorf("Allow: %q", a.header.Get("Allow"))
	}
}

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		name                     string
		by                       emulator.Refusal
		missing, unknown, expire string
	}{
		{"gateway", emulator.ByGateway, "APIG.0301", "APIG.0301", "APIG.0307"},
		{"service", emulator.ByService, "AS.0005", "AS.0006", "AS.0006"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, emulator.Switches{Refusal: c.by})
			b.AddToken("old", project)
			expect := func(token string, status int, code any) {
				t.Helper()
				if a := b.do("GET", path, token); a.status != status || a.code() != code {
					t.Errorf("token %q: %d %s, want %d %v", token, a.status, a.raw, status, code)
				}
			}
			expect("old", 200, nil)
			expect("", 401, c.missing)
			expect("nonsense", 401, c.unknown)
			b.RevokeToken("old")
			expect("old", 401, c.expire)
			expect(token, 200, nil)
			b.RestrictToken(token, emulator.LacksRole)
			expect(token, 403, "AS.0011")
			b.RestrictToken(token, emulator.LacksPermission)
			expect(token, 400, "AS.0031")
			b.RestrictToken(token, emulator.AccountFrozen)
			expect(token, 400, "AS.8004")
			b.AddToken(token, "p0", project)
			expect(token, 200, nil)
		})
	}
}

func TestWithoutTokens(t *testing.T) {
	e := emulator.New(emulator.Switches{})
	e.AddGroup(project, group)
	b := &bench{t: t, Emulator: e, url: serve(t, e), client: client(t)}
	if a := b.do("GET", path, ""); a.status != http.StatusUnauthorized {
		t.Errorf("without any token known: %d", a.status)
	}
}

func TestOpenAccess(t *testing.T) {
	b := start(t, emulator.Switches{Access: emulator.AccessOpen})
	for _, token := range []string{"", "anything"} {
		if a := b.do("GET", path, token); a.status != 200 {
			t.Errorf("token %q: %d %s", token, a.status, a.raw)
		}
	}
}

func TestEncodedPath(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.Insert(project, "a/b c", emulator.Row{ID: emulator.ID(1), Status: emulator.Success, Start: at(0)})
	if a := b.do("GET", "/autoscaling-api/v2/p1/scaling_activity_log/"+url.PathEscape("a/b c"), token); a.status != 200 || a.Total != 1 {
		t.Errorf("%d %s", a.status, a.raw)
	}
}
