package config

import (
	"fmt"
	"strings"
	"time"
)

// setting is one line of the table from which variables, flags, -help and docs/configuration.md are made.
type setting struct {
	name    string             // REDIS_URL is the variable SCALEGRAPH_REDIS_URL and the flag -redis-url
	initial string             // the default, in the syntax that read parses; empty: none
	read    func(string) error // parses a text that is not empty into the Config; its error does not repeat the text
	help    string             // in Markdown
	secret  bool               // the value may be or contain a secret, so messages do not show it
}

// settings returns the table, in the order in which it is shown. Its read functions write into cfg.
func settings(cfg *Config) []setting {
	const year = 365 * 24 * time.Hour
	return []setting{
		{name: "LISTEN", initial: "127.0.0.1:8080", read: address(&cfg.Listen), help: "address; port 0 takes a free one and prints it"},
		{name: "ADMIN_LISTEN", read: address(&cfg.AdminListen), help: "separate address for `/metrics` and pprof; if empty, `/metrics` is at the main address and there is no pprof"},
		{name: "ADMIN_HOSTS", read: hosts(&cfg.AdminHosts), help: "host names under which the admin address is used, e.g. `scalegraph-admin.monitoring.svc`; IP addresses, `localhost` and the host of `SCALEGRAPH_ADMIN_LISTEN` always count, requests for other names are rejected"},
		{name: "BASE_PATH", read: basePath(&cfg.BasePath), help: "path prefix under which a proxy publishes the server, e.g. `/scalegraph`; pages and redirects use it"},
		{name: "UPSTREAM", initial: demoName, read: upstreamURL(&cfg.Upstream), secret: true, help: "base URL of the AutoScaling endpoint, or `demo`"},
		{name: "REGION", initial: "default", read: identifier(&cfg.Region), help: "name of that endpoint's region"},
		{name: "REGIONS", read: regions(&cfg.Regions), secret: true, help: "more regions: `name=url,name=url`"},
		{name: "PROJECT", read: id(&cfg.Project), help: "project of queries that name none"},

		{name: "AUTH", initial: AuthPassthrough, read: oneOf(&cfg.Auth, AuthPassthrough, AuthKeys), help: "`passthrough`: the caller's `X-Auth-Token` goes upstream. `aksk`: requests are signed with the keys below, and callers must authenticate"},
		{name: "AK", read: str(&cfg.AccessKey.Text), secret: true, help: "access key for `aksk`"},
		{name: "AK_FILE", read: keyFile(&cfg.AccessKey.File), help: "file to read it from; read again when it changes"},
		{name: "SK", read: str(&cfg.SecretKey.Text), secret: true, help: "secret key for `aksk`"},
		{name: "SK_FILE", read: keyFile(&cfg.SecretKey.File), help: "file to read it from; read again when it changes"},
		{name: "SECURITY_TOKEN", read: str(&cfg.SecurityToken.Text), secret: true, help: "goes with temporary access keys, for `aksk`"},
		{name: "SECURITY_TOKEN_FILE", read: keyFile(&cfg.SecurityToken.File), help: "file to read it from; read again when it changes"},
		{name: "CLIENT_KEYS_FILE", read: clientKeys(&cfg.ClientKeysFile), help: "for `aksk`: one caller a line, `name key project,project` (`*` for all; `#` starts a comment); read again when it changes. With neither this nor an issuer, only a loopback `SCALEGRAPH_LISTEN` is allowed"},
		{name: "OIDC_ISSUER", read: issuerURL(&cfg.OIDC.Issuer), secret: true, help: "for `aksk`: accept this issuer's JWTs as bearer tokens; its keys are read again every 5 minutes"},
		{name: "OIDC_AUDIENCE", read: str(&cfg.OIDC.Audience), help: "the audience that they must name"},
		{name: "OIDC_CLAIM", initial: "projects", read: str(&cfg.OIDC.Claim), help: "the claim that lists the projects"},

		{name: "REDIS_URL", read: redisURL(&cfg.RedisURL), secret: true, help: "`redis://`, `rediss://`, several hosts for a cluster, or a sentinel URL; empty: in-process cache only"},
		{name: "REDIS_TIMEOUT", initial: "80ms", read: duration(&cfg.RedisTimeout, time.Millisecond, 10*time.Second), help: "timeout of one round trip to Redis; the request goes on without Redis after that"},
		{name: "CACHE_MEMORY", initial: "64MiB", read: size(&cfg.CacheMemory, 0), help: "size of the in-process cache; 0: off"},
		{name: "FRESH", initial: "5s", read: duration(&cfg.Fresh, 0, time.Hour), help: "how long a cached page of the newest activities is fresh"},
		{name: "STALE", initial: "10s", read: duration(&cfg.Stale, 0, time.Hour), help: "how much longer it may be served stale while it is revalidated"},
		{name: "STALE_IF_ERROR", initial: "24h", read: duration(&cfg.StaleIfError, 0, year), help: "how long a stale page may be served while the upstream fails"},
		{name: "GRANT", initial: "60s", read: duration(&cfg.Grant, 0, time.Hour), help: "how long an accepted credential may be served from the cache without asking the upstream again"},
		{name: "GRANT_SCOPE", initial: "group", read: oneOf(&cfg.GrantScope, "group", "project"), help: "scope of the access that one accepted call proves: its `group`, or the whole `project`"},
		{name: "GRANT_IF_ERROR", initial: "15m", read: duration(&cfg.GrantIfError, 0, 24*time.Hour), help: "how long it stays valid while the upstream fails (never after a rejection)"},
		{name: "SECRET", read: str(&cfg.Secret), secret: true, help: "key of the HMAC-SHA-256 of credentials in Redis (plain SHA-256 if empty) and of signed cursors; the same for all replicas"},

		{name: "TYPE_SPELLING", initial: "MANNUAL", read: oneOf(&cfg.TypeSpelling, "MANNUAL", "MANUAL"), help: "how this upstream spells the three MANUAL types in filters: `MANNUAL` or `MANUAL`; both are understood in responses"},
		{name: "UPSTREAM_TIMEOUT", initial: "10s", read: duration(&cfg.UpstreamTimeout, time.Millisecond, time.Hour), help: "timeout of one upstream call"},
		{name: "REQUEST_TIMEOUT", initial: "30s", read: duration(&cfg.RequestTimeout, time.Millisecond, time.Hour), help: "timeout of one GraphQL request"},
		{name: "UPSTREAM_CONCURRENCY", initial: "64", read: count(&cfg.UpstreamConcurrency, 1, 10_000), help: "upstream calls in flight at once"},
		{name: "DRAIN_DELAY", initial: "5s", read: duration(&cfg.DrainDelay, 0, 10*time.Minute), help: "how long requests are still served after SIGTERM, while `/readyz` answers 503 and load balancers react; `0` in the demo on a terminal"},
		{name: "POLL", initial: "5s", read: duration(&cfg.Poll, 100*time.Millisecond, time.Hour), help: "how often a subscribed group is polled"},

		{name: "INTROSPECTION", initial: "true", read: boolean(&cfg.Introspection), help: "allows introspection; also switches GraphiQL and suggestions in error messages"},
		{name: "TRUSTED_DOCUMENTS", read: trusted(&cfg.Trusted), help: "folder or manifest of persisted operations"},
		{name: "TRUSTED_ONLY", initial: "false", read: boolean(&cfg.TrustedOnly), help: "`true`: only those operations run"},
		{name: "CORS_ORIGINS", read: origins(&cfg.CORSOrigins), help: "allowed browser origins, e.g. `https://console.example.com,http://localhost:3000`; `*` for any"},
		{name: "STATUS_PROFILE", initial: "audit", read: oneOf(&cfg.StatusProfile, "audit", "draft"), help: "HTTP status of failed requests: as the graphql-http audits want, or `draft` as the newest GraphQL-over-HTTP draft"},

		{name: "MAX_BODY", initial: "256KiB", read: size(&cfg.Limits.Body, 1), help: "size of a request body"},
		{name: "MAX_TOKENS", initial: "4000", read: count(&cfg.Limits.Tokens, 1, 1_000_000), help: "tokens in an operation"},
		{name: "MAX_DEPTH", initial: "20", read: count(&cfg.Limits.Depth, 1, 1000), help: "nesting depth of its fields"},
		{name: "MAX_ALIASES", initial: "100", read: count(&cfg.Limits.Aliases, 1, 1_000_000), help: "aliases in it"},
		{name: "MAX_ROOT_FIELDS", initial: "50", read: count(&cfg.Limits.RootFields, 1, 1_000_000), help: "root fields in it"},
		{name: "MAX_DIRECTIVES", initial: "50", read: count(&cfg.Limits.Directives, 1, 1_000_000), help: "directives in it"},
		{name: "MAX_COST", initial: "20000", read: count(&cfg.Limits.Cost, 1, 1_000_000_000), help: "its cost: fields times requested rows"},
		{name: "MAX_UPSTREAM_CALLS", initial: "200", read: count(&cfg.Limits.UpstreamCalls, 1, 1_000_000), help: "upstream calls that it may make"},
		{name: "MAX_SUBSCRIPTIONS", initial: "10000", read: count(&cfg.MaxSubscriptions, 1, 1_000_000), help: "open subscriptions of the process"},

		{name: "CALLER_COST", initial: "0", read: count(&cfg.CallerCost, 0, 1_000_000_000), help: "cost that one caller may spend in a minute, over all replicas that share a Redis; 0: no limit"},
		{name: "CALLER_COST_MODE", initial: LimitEnforce, read: oneOf(&cfg.CallerCostMode, LimitEnforce, LimitMeasure), help: "`enforce`, or `measure`: a caller over the limit is counted and logged, not rejected"},
		{name: "MAX_IN_FLIGHT", initial: "4096", read: count(&cfg.InFlight, 0, 1_000_000), help: "GraphQL requests in flight at once, streams not counted; 0: no limit"},
		{name: "MAX_IN_FLIGHT_COST", initial: "1000000", read: count(&cfg.CostInFlight, 0, 1_000_000_000), help: "sum of the costs of operations in flight, subscriptions not counted; one caller has a quarter of it; 0: no limit"},

		{name: "LOG", initial: "auto", read: oneOf(&cfg.Log, "auto", "text", "json"), help: "form of the log on stderr: `text`, `json`, or `auto`, which is text on a terminal"},
	}
}

func (s setting) variable() string { return prefix + s.name }

func (s setting) flag() string { return strings.ToLower(strings.ReplaceAll(s.name, "_", "-")) }

// apply parses the value of the flag if it is given, else that of the variable, else the default. An empty value means the default.
func (s setting) apply(flags, env map[string]string) error {
	origin, value := s.variable(), env[s.variable()]
	if given, ok := flags[s.flag()]; ok {
		origin, value = "-"+s.flag(), given
	}
	if value == "" {
		value = s.initial
	}
	if value == "" {
		return nil
	}
	err := errPlaceholder
	if !isPlaceholder(value) {
		err = s.read(value)
	}
	switch {
	case err == nil:
		return nil
	case s.secret:
		return fmt.Errorf("%s: %w", origin, err)
	}
	return fmt.Errorf("%s=%s: %w", origin, quoteShort(value), err)
}

// quoteShort quotes a value for a one-line message and truncates it to maxBytes.
func quoteShort(value string) string {
	const maxBytes = 60
	if len(value) > maxBytes {
		return fmt.Sprintf("%q…", value[:maxBytes])
	}
	return fmt.Sprintf("%q", value)
}
