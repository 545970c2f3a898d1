package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"scalegraph/internal/gqlhttp/document"
)

func TestDefaults(t *testing.T) {
	cfg, err := Read(nil, nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen: "127.0.0.1:8080", Upstream: "demo", Region: "default", Auth: "passthrough",
		RedisTimeout: 80 * time.Millisecond, CacheMemory: 64 << 20, Fresh: 5 * time.Second, Stale: 10 * time.Second, StaleIfError: 24 * time.Hour,
		Grant: time.Minute, GrantScope: "group", GrantIfError: 15 * time.Minute,
		TypeSpelling: "MANNUAL", UpstreamTimeout: 10 * time.Second, RequestTimeout: 30 * time.Second,
		UpstreamConcurrency: 64, Poll: 5 * time.Second, MaxSubscriptions: 10_000, Introspection: true, StatusProfile: "audit",
		OIDC:   OIDC{Claim: "projects"},
		Limits: document.Limits{Body: 256 << 10, Tokens: 4000, Depth: 20, Aliases: 100, RootFields: 50, Directives: 50, Cost: 20000, UpstreamCalls: 200},
		Log:    "auto", CallerCostMode: "enforce", InFlight: 4096, CostInFlight: 1_000_000, DrainDelay: 5 * time.Second,
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
	if !cfg.Demo() {
		t.Error("the default upstream is not the demo")
	}
}

func TestPrecedence(t *testing.T) {
	cases := []struct {
		name string
		args []string
		env  []string
		want string
	}{
		{"default", nil, nil, "127.0.0.1:8080"},
		{"variable", nil, []string{"SCALEGRAPH_LISTEN=127.0.0.1:1"}, "127.0.0.1:1"},
		{"flag", []string{"-listen", "127.0.0.1:2"}, nil, "127.0.0.1:2"},
		{"two dashes and an equal sign", []string{"--listen=127.0.0.1:3"}, nil, "127.0.0.1:3"},
		{"flag beats variable", []string{"-listen=127.0.0.1:2"}, []string{"SCALEGRAPH_LISTEN=127.0.0.1:1"}, "127.0.0.1:2"},
		{"empty variable is the default", nil, []string{"SCALEGRAPH_LISTEN="}, "127.0.0.1:8080"},
		{"empty flag is the default", []string{"-listen", ""}, []string{"SCALEGRAPH_LISTEN=127.0.0.1:1"}, "127.0.0.1:8080"},
		{"a faulty variable behind a flag does not matter", []string{"-listen", "127.0.0.1:2"}, []string{"SCALEGRAPH_LISTEN=x"}, "127.0.0.1:2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Read(c.args, c.env, io.Discard)
			if err != nil || cfg.Listen != c.want {
				t.Errorf("got %q, %v, want %q", cfg.Listen, err, c.want)
			}
		})
	}
}

// Every setting is given a value other than its default, once by variable and once by flag, and must arrive in the Config.
func TestEverySettingSetsItsField(t *testing.T) {
	manifest := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(manifest, []byte(`{"type": "{ __typename }"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	documents, err := document.LoadTrusted(manifest)
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("name key project"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := filepath.Join(t.TempDir(), "one")
	if err := os.WriteFile(one, []byte("key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	instead := map[string]string{"AK_FILE": one, "SK": "sk", "SECURITY_TOKEN_FILE": one} // of those that are given in the other way
	values := map[string]string{
		"AK": "ak", "SK_FILE": one, "SECURITY_TOKEN": "st", "CLIENT_KEYS_FILE": keys, "OIDC_ISSUER": "https://issuer.cloud.test/", "OIDC_AUDIENCE": "us",
		"LISTEN": "0.0.0.0:0", "ADMIN_LISTEN": "127.0.0.1:9", "ADMIN_HOSTS": "Metrics.test, scalegraph", "UPSTREAM": "https://as.cloud.test/prefix/", "REGION": "eu",
		"REGIONS": "us=https://us.cloud.test, ap=http://ap.cloud.test:81/x", "PROJECT": "p1", "BASE_PATH": "/a/b-c/", "REDIS_URL": "rediss://u:p@a:1,b:2/0", "REDIS_TIMEOUT": "1s",
		"CACHE_MEMORY": "1GiB", "FRESH": "1s", "STALE": "0s", "STALE_IF_ERROR": "1h", "GRANT": "30s", "GRANT_SCOPE": "project",
		"GRANT_IF_ERROR": "1m", "SECRET": "s", "TYPE_SPELLING": "MANUAL", "UPSTREAM_TIMEOUT": "1s", "REQUEST_TIMEOUT": "2s",
		"UPSTREAM_CONCURRENCY": "3", "POLL": "1s", "INTROSPECTION": "false", "TRUSTED_DOCUMENTS": manifest, "TRUSTED_ONLY": "true",
		"CORS_ORIGINS": "https://a.example.com, http://localhost:3000", "STATUS_PROFILE": "draft", "MAX_BODY": "10", "MAX_TOKENS": "11",
		"MAX_DEPTH": "12", "MAX_ALIASES": "13", "MAX_ROOT_FIELDS": "14", "MAX_DIRECTIVES": "15", "MAX_COST": "16", "MAX_UPSTREAM_CALLS": "17", "MAX_SUBSCRIPTIONS": "18",
		"CALLER_COST": "18", "CALLER_COST_MODE": "measure", "MAX_IN_FLIGHT": "19", "MAX_IN_FLIGHT_COST": "20", "DRAIN_DELAY": "3s", "LOG": "json", "AUTH": "aksk", "OIDC_CLAIM": "groups",
	}
	want := Config{
		Listen: "0.0.0.0:0", AdminListen: "127.0.0.1:9", AdminHosts: []string{"metrics.test", "scalegraph"}, Upstream: "https://as.cloud.test/prefix", Region: "eu",
		Regions: map[string]string{"us": "https://us.cloud.test", "ap": "http://ap.cloud.test:81/x"}, Project: "p1", BasePath: "/a/b-c", Auth: "aksk",
		AccessKey: Key{Text: "ak"}, SecretKey: Key{File: one}, SecurityToken: Key{Text: "st"}, ClientKeysFile: keys,
		OIDC:     OIDC{Issuer: "https://issuer.cloud.test/", Audience: "us", Claim: "groups"},
		RedisURL: "rediss://u:p@a:1,b:2/0", RedisTimeout: time.Second, Secret: "s", CacheMemory: 1 << 30, Fresh: time.Second, Stale: 0, StaleIfError: time.Hour,
		Grant: 30 * time.Second, GrantScope: "project", GrantIfError: time.Minute, TypeSpelling: "MANUAL", UpstreamTimeout: time.Second,
		RequestTimeout: 2 * time.Second, UpstreamConcurrency: 3, Poll: time.Second, Trusted: documents, TrustedOnly: true,
		CORSOrigins: []string{"https://a.example.com", "http://localhost:3000"}, StatusProfile: "draft",
		MaxSubscriptions: 18, Limits: document.Limits{Body: 10, Tokens: 11, Depth: 12, Aliases: 13, RootFields: 14, Directives: 15, Cost: 16, UpstreamCalls: 17}, Log: "json",
		CallerCost: 18, CallerCostMode: "measure", InFlight: 19, CostInFlight: 20, DrainDelay: 3 * time.Second,
	}
	var args, env []string
	for _, s := range settings(new(Config)) {
		if value, ok := values[s.name]; ok {
			args = append(args, "-"+s.flag(), value)
			env = append(env, s.variable()+"="+value)
			delete(values, s.name)
		} else if err := s.read(instead[s.name]); err != nil {
			t.Errorf("%s is not tried here", s.name)
		}
	}
	if len(values) > 0 {
		t.Errorf("no such settings: %v", values)
	}
	for name, read := range map[string]func() (Config, error){
		"variables": func() (Config, error) { return Read(nil, env, io.Discard) },
		"flags":     func() (Config, error) { return Read(args, nil, io.Discard) },
	} {
		if cfg, err := read(); err != nil || !reflect.DeepEqual(cfg, want) {
			t.Errorf("by %s: %v\ngot  %+v\nwant %+v", name, err, cfg, want)
		}
	}
}

func TestInvalidValues(t *testing.T) {
	faulty := map[string][]string{
		"LISTEN":               {"8080", "localhost", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1"},
		"ADMIN_LISTEN":         {"x", "127.0.0.1:65536"},
		"ADMIN_HOSTS":          {"a:1", "a,", "a/b", "http://a", "a b"},
		"UPSTREAM":             {"as.cloud.test", "ftp://as.cloud.test", "https://", "https://u:p@as.cloud.test", "https://as.cloud.test?a=b", "https://as.cloud.test#a", "https://as.cloud.test?", "Demo", "http://:80", "http://a b", "https://as.cloud.test:65536", "https://as.cloud.test:0"},
		"REGION":               {"a,b", "a=b", "-a", strings.Repeat("a", 65)},
		"REGIONS":              {"us", "us=", "=https://us.cloud.test", "us=https://a,us=https://b", "us=https://a,", "us=https://u:p@a", "u s=https://a", "us=https://a:65536"},
		"PROJECT":              {"a/b", "a b"},
		"AUTH":                 {"none", "aksk"},
		"AK":                   {"x"},
		"AK_FILE":              {"x", "config.go"},
		"SK":                   {"x"},
		"SK_FILE":              {"x"},
		"SECURITY_TOKEN":       {"x"},
		"SECURITY_TOKEN_FILE":  {"x"},
		"CLIENT_KEYS_FILE":     {"x", "config.go"},
		"OIDC_ISSUER":          {"https://issuer.cloud.test", "issuer.cloud.test", "http://issuer.cloud.test", "https://u:p@issuer.cloud.test"},
		"OIDC_AUDIENCE":        {"x"},
		"REDIS_URL":            {"localhost:6379", "http://localhost", "redis://", "redis://user:pass@", "redis:///0", "redis://,", "redis://localhost:65536", "redis://localhost:0", "redis://a:6379,b:65536"},
		"CACHE_MEMORY":         {"64MB", "-1", "1.5GiB", "9223372036854775807GiB", "99999999999999999999", "KiB", "+1"},
		"FRESH":                {"5", "-1s", "2h", "x"},
		"STALE":                {"-1s"},
		"STALE_IF_ERROR":       {"9000h"},
		"GRANT":                {"2h"},
		"GRANT_SCOPE":          {"user"},
		"GRANT_IF_ERROR":       {"25h"},
		"TYPE_SPELLING":        {"manual"},
		"UPSTREAM_TIMEOUT":     {"0s"},
		"REQUEST_TIMEOUT":      {"0s"},
		"UPSTREAM_CONCURRENCY": {"0", "-1", "1.0", "10001"},
		"POLL":                 {"0s", "1ms"},
		"INTROSPECTION":        {"yes", "2"},
		"TRUSTED_DOCUMENTS":    {"no/such/file", "config.go"},
		"TRUSTED_ONLY":         {"true", "1", "maybe"},
		"CORS_ORIGINS":         {"**", "example.com", "https://example.com/", "https://example.com/path", "https://u@example.com", "https://a.example.com,", "https://a.example.com:65536"},
		"STATUS_PROFILE":       {"new"},
		"MAX_BODY":             {"0", "1kb"},
		"MAX_TOKENS":           {"0", "1000001"},
		"MAX_DEPTH":            {"0", "1001"},
		"MAX_ALIASES":          {"0"},
		"MAX_ROOT_FIELDS":      {"0"},
		"MAX_DIRECTIVES":       {"0"},
		"MAX_COST":             {"0", "1e6"},
		"MAX_UPSTREAM_CALLS":   {"0"},
		"MAX_SUBSCRIPTIONS":    {"0", "x"},
		"CALLER_COST":          {"-1", "x"},
		"CALLER_COST_MODE":     {"off"},
		"MAX_IN_FLIGHT":        {"-1"},
		"MAX_IN_FLIGHT_COST":   {"-1"},
		"DRAIN_DELAY":          {"-1s", "11m"},
		"LOG":                  {"xml"},
	}
	for name, values := range faulty {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				_, err := Read(nil, []string{"SCALEGRAPH_" + name + "=" + value}, io.Discard)
				if err == nil {
					t.Fatal("accepted")
				}
				if lines := strings.Split(err.Error(), "\n"); len(lines) != 1 || !strings.HasPrefix(lines[0], "SCALEGRAPH_"+name) {
					t.Errorf("got %q, want one line that begins with the variable", lines)
				}
			})
		}
	}
}

func TestAllFaultsAreReported(t *testing.T) {
	_, err := Read(
		[]string{"-fresh", "soon", "stray", "-nonsense=1", "-region=a", "-poll"},
		[]string{"SCALEGRAPH_MAX_COST=much", "SCALEGRAPH_REGIONS=a=https://a.cloud.test"}, io.Discard)
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{
		"argument 3 belongs to no flag",
		"-nonsense: there is no such flag; -help lists them all",
		"-poll: needs a value",
		`-fresh="soon": must be a duration like 5s or 1h30m, from 0s to 1h0m0s`,
		`SCALEGRAPH_MAX_COST="much": must be a whole number from 1 to 1000000000`,
		`SCALEGRAPH_REGIONS: "a" is already the name of the first region (SCALEGRAPH_REGION)`,
	}
	if got := strings.Split(err.Error(), "\n"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSameAddressTwice(t *testing.T) {
	if _, err := Read([]string{"-listen=127.0.0.1:7", "-admin-listen=127.0.0.1:7"}, nil, io.Discard); err == nil {
		t.Error("two listeners on one address were accepted")
	}
	if _, err := Read([]string{"-listen=127.0.0.1:0", "-admin-listen=127.0.0.1:0"}, nil, io.Discard); err != nil {
		t.Errorf("two free ports: %v", err)
	}
}

// Whatever is wrong with a secret, or with what may hold one, the message does not repeat it.
func TestFaultsShowNoSecret(t *testing.T) {
	const secret = "hunter2"
	for _, s := range settings(new(Config)) {
		if !s.secret {
			continue
		}
		for _, value := range []string{secret, "https://user:" + secret + "@host:x", "redi://:" + secret + "@host", "a=ftp://u:" + secret + "@h"} {
			_, err := Read([]string{"-" + s.flag(), value, secret, "-" + s.flag() + "s=" + secret}, nil, io.Discard)
			if err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", s.flag(), err)
			}
		}
	}
}

func TestUnknownVariables(t *testing.T) {
	env := []string{"SCALEGRAPH_REDIS=x", "SCALEGRAPH_FRESHNES=1s", "SCALEGRAPH_UPSTRAEM=x", "SCALEGRAPH_ZZZZZZZZZZ=x", "SCALEGRAPH_PORT=8080", "PATH=/bin", "SCALEGRAPH_FRESH=1s"}
	want := []UnknownVariable{
		{"SCALEGRAPH_FRESHNES", "SCALEGRAPH_FRESH"}, {"SCALEGRAPH_PORT", "SCALEGRAPH_POLL"}, {"SCALEGRAPH_REDIS", "SCALEGRAPH_REDIS_URL"},
		{"SCALEGRAPH_UPSTRAEM", "SCALEGRAPH_UPSTREAM"}, {"SCALEGRAPH_ZZZZZZZZZZ", ""},
	}
	cfg, err := Read(nil, env, io.Discard)
	if err != nil || !reflect.DeepEqual(cfg.Unknown, want) {
		t.Errorf("got %v, %v, want %v", cfg.Unknown, err, want)
	}
	_, err = Read([]string{"-check"}, env, io.Discard)
	if err == nil || len(strings.Split(err.Error(), "\n")) != len(want) || !strings.HasPrefix(err.Error(), "SCALEGRAPH_FRESHNES: there is no such setting; did you mean SCALEGRAPH_FRESH?\n") {
		t.Errorf("-check: %v", err)
	}
}

// Kubernetes sets these for services called scalegraph and scalegraph-redis.
func TestServiceLinksAreIgnored(t *testing.T) {
	var env []string
	for _, service := range []string{"SCALEGRAPH", "SCALEGRAPH_REDIS"} {
		env = append(env, service+"_SERVICE_HOST=10.0.0.1", service+"_SERVICE_PORT=80", service+"_SERVICE_PORT_HTTP=80", service+"_PORT=tcp://10.0.0.1:80",
			service+"_PORT_80_TCP=tcp://10.0.0.1:80", service+"_PORT_80_TCP_PROTO=tcp", service+"_PORT_80_TCP_PORT=80", service+"_PORT_80_TCP_ADDR=10.0.0.1")
	}
	if _, err := Read([]string{"-check"}, env, io.Discard); !errors.Is(err, ErrExit) {
		t.Error(err)
	}
}

func TestPlaceholdersAreRejected(t *testing.T) {
	for _, line := range []string{
		"UPSTREAM=https://as.example.com", "UPSTREAM=https://EXAMPLE.org:443/x", "UPSTREAM=https://as.example.invalid", "UPSTREAM=https://YOUR-ENDPOINT/",
		"UPSTREAM=https://as.YOUR-REGION.myhuaweicloud.com", "UPSTREAM=<endpoint>", "UPSTREAM=https://as.<region>.myhuaweicloud.com",
		"REGIONS=us=https://as.example.net", "OIDC_ISSUER=https://sso.example.com", "REDIS_URL=redis://:x@a:1,redis.example.com:6379",
		"PROJECT=YOUR-PROJECT-ID", "PROJECT=<project>", "AK=<ak>", "SK=your_secret_key",
	} {
		if _, err := Read(nil, []string{"SCALEGRAPH_" + line}, io.Discard); err == nil {
			t.Errorf("%s is accepted", line)
		}
	}
	for _, line := range []string{"UPSTREAM=https://as.eu-de.otc.t-systems.com", "UPSTREAM=https://myexample.com", "UPSTREAM=http://yours.test", "REDIS_URL=redis://redis"} {
		if _, err := Read(nil, []string{"SCALEGRAPH_" + line}, io.Discard); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestConnectNeedsCheck(t *testing.T) {
	if _, err := Read([]string{"-connect"}, nil, io.Discard); err == nil {
		t.Error("-connect without -check is accepted")
	}
	cfg, err := Read([]string{"-check", "-connect"}, nil, io.Discard)
	if err != nil || !cfg.CheckConnections {
		t.Errorf("%+v, %v", cfg, err)
	}
}

func TestHelpListsEverySetting(t *testing.T) {
	for _, arg := range []string{"-help", "--help", "-h"} {
		var out strings.Builder
		if _, err := Read([]string{arg, "-nonsense"}, nil, &out); !errors.Is(err, ErrExit) {
			t.Fatalf("%s: %v", arg, err)
		}
		for _, s := range settings(new(Config)) {
			line := "  -" + s.flag() + "  (" + s.variable()
			if s.initial != "" {
				line += ", default " + s.initial
			}
			if !strings.Contains(out.String(), line+")\n") {
				t.Errorf("%s does not show %q", arg, line)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	var out strings.Builder
	_, err := Read([]string{"-version"}, nil, &out)
	if !errors.Is(err, ErrExit) || !strings.HasPrefix(out.String(), "scalegraph ") || len(out.String()) < len("scalegraph x\n") {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
