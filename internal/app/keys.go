package app

import (
	"errors"
	"log/slog"
	"net"
	"net/http"

	"scalegraph/internal/auth"
	"scalegraph/internal/config"
	"scalegraph/internal/secretfile"
	"scalegraph/upstream"
	"scalegraph/upstream/sign"
)

// keySource returns the source of the keys that sign upstream calls; nil if callers' tokens are sent instead. Files are read again when
// they have changed, so keys can be rotated while the server runs.
func keySource(cfg config.Config) (upstream.KeySource, error) {
	if cfg.Auth != config.AuthKeys {
		return nil, nil
	}
	var read [3]func() (string, error)
	for i, k := range []config.Key{cfg.AccessKey, cfg.SecretKey, cfg.SecurityToken} {
		r, err := keyReader(k)
		if err != nil {
			return nil, err
		}
		read[i] = r
	}
	return func() (sign.Keys, error) {
		access, err1 := read[0]()
		secret, err2 := read[1]()
		token, err3 := read[2]()
		return sign.Keys{Access: access, Secret: secret, SecurityToken: token}, errors.Join(err1, err2, err3)
	}, nil
}

func keyReader(k config.Key) (func() (string, error), error) {
	if k.File == "" {
		return func() (string, error) { return k.Text, nil }, nil
	}
	file, err := secretfile.OpenKey(k.File)
	if err != nil {
		return nil, err
	}
	return file.Read, nil
}

// newAuthenticator returns nil if the configuration has neither callers' keys nor an OIDC issuer.
func newAuthenticator(cfg config.Config, log *slog.Logger) (*auth.Authenticator, error) {
	if !cfg.AuthenticatesCallers() {
		return nil, nil
	}
	c := &auth.Authenticator{Log: log}
	if cfg.OIDC.Issuer != "" {
		c.Issuer = auth.NewIssuer(cfg.OIDC.Issuer, cfg.OIDC.Audience, cfg.OIDC.Claim, log)
	}
	if cfg.ClientKeysFile == "" {
		return c, nil
	}
	var err error
	c.Keys, err = auth.OpenKeys(cfg.ClientKeysFile, log)
	return c, err
}

// loopbackOnly applies auth.LoopbackOnly if the server's keys sign for callers that are not authenticated. at is the address of the
// listener.
func loopbackOnly(h http.Handler, cfg config.Config, at net.Addr) http.Handler {
	if cfg.Auth != config.AuthKeys || cfg.AuthenticatesCallers() {
		return h
	}
	return auth.LoopbackOnly(h, at)
}
