package app

import (
	"context"
	"log/slog"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/config"
	"scalegraph/internal/request"
	"scalegraph/resolvers"
)

// errorPresenter is that of resolvers. If callers' tokens go upstream, UNAUTHENTICATED names the header that a token belongs in.
func errorPresenter(cfg config.Config, log *slog.Logger) graphql.ErrorPresenterFunc {
	present := resolvers.ErrorPresenter(log)
	if cfg.Auth != config.AuthPassthrough {
		return present
	}
	return func(ctx context.Context, err error) *gqlerror.Error {
		seen := present(ctx, err)
		if seen.Extensions["code"] == "UNAUTHENTICATED" {
			seen.Message = tokenMessage(request.CallerFrom(ctx))
		}
		return seen
	}
}

func tokenMessage(c *request.Caller) string {
	if c.Token == "" && len(c.Tokens) == 0 {
		return "There is no token: send an IAM token of the project in the header X-Auth-Token."
	}
	return "The upstream does not accept the token of X-Auth-Token or Scalegraph-Token; it may have expired, or belong to another project or region."
}
