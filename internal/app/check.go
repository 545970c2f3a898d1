package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/internal/auth"
	"scalegraph/internal/config"
	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// checkTimeout bounds the first round trip to Redis: connecting, TLS and finding a cluster take longer than a command.
const checkTimeout = 5 * time.Second

// checkConnections reaches every region of the upstream, Redis and the OIDC issuer, prints one line for each, and returns ExitConfig if
// one of them cannot be used.
func checkConnections(ctx context.Context, cfg config.Config, out io.Writer) int {
	fmt.Fprintln(out, "the configuration is right")
	status := ExitOK
	report := func(part string, finding string, ok bool) {
		if !ok {
			status = ExitConfig
		}
		fmt.Fprintf(out, "%s: %s\n", part, finding)
	}
	checkRegions(ctx, cfg, report)
	checkRedis(ctx, cfg, report)
	if cfg.OIDC.Issuer != "" {
		issuer := auth.NewIssuer(cfg.OIDC.Issuer, cfg.OIDC.Audience, cfg.OIDC.Claim, slog.New(slog.DiscardHandler))
		finding, err := "reached; its keys can be read", issuer.Check(ctx)
		if err != nil {
			finding = err.Error()
		}
		report("OIDC issuer", finding, err == nil)
	}
	return status
}

func checkRegions(ctx context.Context, cfg config.Config, report func(part, finding string, ok bool)) {
	log := slog.New(slog.DiscardHandler)
	cfg, demo, err := startDemo(ctx, cfg)
	if err != nil {
		report("demo", err.Error(), false)
		return
	}
	defer demo.stop(log)
	keys, err := keySource(cfg)
	if err == nil {
		err = demo.acceptKeys(keys)
	}
	if err != nil {
		report("keys", err.Error(), false)
		return
	}
	clientConfig := upstreamConfig(cfg, log)
	clientConfig.Keys = keys
	client, err := upstream.New(clientConfig)
	if err != nil {
		report("upstream", err.Error(), false)
		return
	}
	defer client.Close()
	project := cfg.Project
	if project == "" {
		project = strings.Repeat("0", 32)
	}
	for _, region := range slices.Sorted(maps.Keys(clientConfig.Endpoints)) {
		asCaller := request.WithCaller(ctx, &request.Caller{Token: demo.token()})
		_, err := client.ListGroups(asCaller, upstream.Project{Region: region, ID: project}, upstream.Range{Limit: 1})
		finding, ok := regionFinding(err, cfg)
		report("upstream, region "+region, finding, ok)
	}
}

// regionFinding describes the result of listing the groups of the project for an operator. ok is false if the region cannot be used.
func regionFinding(err error, cfg config.Config) (finding string, ok bool) {
	var response *upstream.StatusError
	responded := errors.As(err, &response)
	signs := cfg.Auth == config.AuthKeys
	switch {
	case err == nil:
		return "reached; it lists the groups of the project", true
	case errors.Is(err, upstream.ErrUnauthenticated) && !signs:
		return "reached; it asks for a token, which callers send", true
	case errors.Is(err, upstream.ErrUnauthenticated):
		return "reached, but it does not accept the keys: " + err.Error(), false
	case errors.Is(err, upstream.ErrForbidden) && cfg.Project == "":
		return "reached; set SCALEGRAPH_PROJECT to check access to a project, too", true
	case errors.Is(err, upstream.ErrForbidden):
		return "reached, but the keys may not list the groups of the project: " + err.Error(), !signs
	case errors.Is(err, upstream.ErrBadResponse):
		return "something responds, but not the AutoScaling API; check the base URL: " + err.Error(), false
	case responded && response.Status < 500:
		return fmt.Sprintf("reached; it responds with HTTP status %d %s", response.Status, response.Code), true
	}
	return "cannot be used: " + err.Error(), false
}

func checkRedis(ctx context.Context, cfg config.Config, report func(part, finding string, ok bool)) {
	if cfg.RedisURL == "" {
		return
	}
	client, err := redisx.Open(redisx.Config{URL: cfg.RedisURL, Timeout: max(cfg.RedisTimeout, checkTimeout)})
	if err != nil {
		report("Redis", err.Error(), false)
		return
	}
	defer client.Close()
	began := time.Now()
	if err := client.Pipelined(ctx, func(p redis.Pipeliner) { p.Get(ctx, "sg1:check") }); err != nil {
		report("Redis", "cannot be used: "+err.Error(), false)
		return
	}
	finding := "reached"
	if took := time.Since(began); took > cfg.RedisTimeout {
		finding = fmt.Sprintf("reached, but the first round trip took %v, more than SCALEGRAPH_REDIS_TIMEOUT", took.Round(time.Millisecond))
	}
	report("Redis", finding, true)
}
