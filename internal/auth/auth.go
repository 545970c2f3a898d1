// Package auth authenticates callers by bearer keys and by OIDC JWTs, and restricts them to their projects. It is used if the server
// signs upstream calls with its own access key; otherwise the upstream authenticates the caller's IAM token.
package auth

import (
	"context"
	"errors"
	"log/slog"

	"scalegraph/internal/request"
)

// ErrUnknown means that a caller's credential was not accepted. The joined reason is for logs only: in a response it would help to
// guess credentials.
var ErrUnknown = errors.New("the caller is not recognised")

// Identity is the result of authentication: the name of a caller and the projects that it may read.
type Identity struct {
	Name     string   // safe to log
	Projects []string // ignored if All is set
	All      bool     // every project may be read
}

// Authenticator authenticates callers. It is safe for concurrent use.
type Authenticator struct {
	Keys   *Keys   // nil: no keys are accepted
	Issuer *Issuer // nil: no JWTs are accepted
	Log    *slog.Logger
}

// Authenticate verifies c.Bearer and sets the name and the projects of c. It removes the IAM tokens from c, because they are not sent
// upstream and must not affect which responses are shared. The error wraps ErrUnknown; c is then unchanged.
func (a *Authenticator) Authenticate(ctx context.Context, c *request.Caller) error {
	found, err := a.identify(ctx, c.Bearer)
	if err != nil {
		a.Log.InfoContext(ctx, "a caller was not recognised", "requestId", c.RequestID, "error", err)
		return err
	}
	c.Name, c.Projects, c.ProjectsOnly = found.Name, found.Projects, !found.All
	c.Token, c.Tokens = "", nil
	return nil
}

func (a *Authenticator) identify(ctx context.Context, bearer string) (Identity, error) {
	if bearer == "" {
		return Identity{}, unknownCaller("there is no bearer credential")
	}
	if a.Keys != nil {
		if found, ok := a.Keys.identify(bearer); ok {
			return found, nil
		}
	}
	if a.Issuer == nil || !looksLikeJWT(bearer) {
		return Identity{}, unknownCaller("it is none of the keys")
	}
	return a.Issuer.identify(ctx, bearer)
}

func unknownCaller(reason string) error { return errors.Join(ErrUnknown, errors.New(reason)) }
