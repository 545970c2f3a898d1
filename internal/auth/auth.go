// Package auth finds out who calls, where the server's own keys open the upstream and callers therefore must prove who they are.
package auth

import (
	"context"
	"errors"
	"log/slog"

	"scalegraph/internal/request"
)

// ErrUnknown says that a caller was not recognised. What it wraps is for logs, never for callers: it would help in guessing.
var ErrUnknown = errors.New("the caller is not recognised")

// Identity is who a caller proved to be.
type Identity struct {
	Name     string   // harmless to log
	Projects []string // which may be read
	All      bool     // every project may be read; Projects do not count
}

// Checker recognises callers. It may be used by many goroutines.
type Checker struct {
	Keys   *Keys   // nil: no keys are accepted
	Issuer *Issuer // nil: no JWTs are accepted
	Log    *slog.Logger
}

// Authenticate proves c.Bearer, and fills in who the caller is and what they may read. IAM tokens are taken away from the caller:
// they do not go upstream, so nothing may hang on them. The error is ErrUnknown.
func (k *Checker) Authenticate(ctx context.Context, c *request.Caller) error {
	found, err := k.identify(ctx, c.Bearer)
	if err != nil {
		k.Log.InfoContext(ctx, "a caller was not recognised", "requestId", c.RequestID, "error", err)
		return err
	}
	c.Name, c.Projects, c.ProjectsOnly = found.Name, found.Projects, !found.All
	c.Token, c.Tokens = "", nil
	return nil
}

func (k *Checker) identify(ctx context.Context, bearer string) (Identity, error) {
	if bearer == "" {
		return Identity{}, because("there is no bearer credential")
	}
	if k.Keys != nil {
		if found, ok := k.Keys.identify(bearer); ok {
			return found, nil
		}
	}
	if k.Issuer == nil || !looksLikeJWT(bearer) {
		return Identity{}, because("it is none of the keys")
	}
	return k.Issuer.identify(ctx, bearer)
}

func because(why string) error { return errors.Join(ErrUnknown, errors.New(why)) }
