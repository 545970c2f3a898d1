package config

import (
	"errors"
	"fmt"
	"net"

	"scalegraph/internal/auth"
)

// The ways in which calls to the upstream are authenticated, for Config.Auth.
const (
	AuthPassthrough = "passthrough" // with the caller's token
	AuthKeys        = "aksk"        // with a signature made with the server's access key
)

func (k Key) set() bool { return k.Text != "" || k.File != "" }

// AuthenticatesCallers reports whether callers must authenticate with a key or a JWT.
func (c Config) AuthenticatesCallers() bool { return c.ClientKeysFile != "" || c.OIDC.Issuer != "" }

// validateAuth returns the contradictions between the settings of authentication. It rejects settings that would have no effect, and
// access keys that callers without credentials could use from other machines.
func (c Config) validateAuth() []error {
	faults := c.duplicateKeys()
	if c.Auth != AuthKeys {
		return append(faults, c.unusedWithoutAKSK()...)
	}
	if !c.AccessKey.set() || !c.SecretKey.set() {
		faults = append(faults, errors.New("SCALEGRAPH_AUTH: aksk needs SCALEGRAPH_AK and SCALEGRAPH_SK, or their files"))
	}
	switch {
	case c.OIDC.Issuer != "" && c.OIDC.Audience == "":
		faults = append(faults, errors.New("SCALEGRAPH_OIDC_ISSUER: needs SCALEGRAPH_OIDC_AUDIENCE, since an issuer makes tokens for others, too"))
	case c.OIDC.Issuer == "" && c.OIDC.Audience != "":
		faults = append(faults, errors.New("SCALEGRAPH_OIDC_AUDIENCE: needs SCALEGRAPH_OIDC_ISSUER"))
	}
	if c.AuthenticatesCallers() {
		return faults
	}
	if host, _, _ := net.SplitHostPort(c.Listen); !auth.IsLoopback(host) {
		faults = append(faults, errors.New("SCALEGRAPH_LISTEN: must be a loopback address if SCALEGRAPH_AUTH=aksk and neither "+
			"SCALEGRAPH_CLIENT_KEYS_FILE nor SCALEGRAPH_OIDC_ISSUER is set: other machines could read with the server's keys"))
	}
	if len(c.CORSOrigins) > 0 {
		faults = append(faults, errors.New("SCALEGRAPH_CORS_ORIGINS: with SCALEGRAPH_AUTH=aksk it needs SCALEGRAPH_CLIENT_KEYS_FILE or SCALEGRAPH_OIDC_ISSUER"))
	}
	return faults
}

// duplicateKeys returns the keys that are set both as a value and as a file.
func (c Config) duplicateKeys() []error {
	var faults []error
	for _, k := range []struct {
		name string
		key  Key
	}{{"AK", c.AccessKey}, {"SK", c.SecretKey}, {"SECURITY_TOKEN", c.SecurityToken}} {
		if k.key.Text != "" && k.key.File != "" {
			faults = append(faults, fmt.Errorf("SCALEGRAPH_%s: is given by SCALEGRAPH_%[1]s_FILE, too", k.name))
		}
	}
	return faults
}

// unusedWithoutAKSK returns the settings that have no effect unless Auth is AuthKeys.
func (c Config) unusedWithoutAKSK() []error {
	var faults []error
	for _, s := range []struct{ name, value string }{
		{"AK", c.AccessKey.Text}, {"AK_FILE", c.AccessKey.File},
		{"SK", c.SecretKey.Text}, {"SK_FILE", c.SecretKey.File},
		{"SECURITY_TOKEN", c.SecurityToken.Text}, {"SECURITY_TOKEN_FILE", c.SecurityToken.File},
		{"CLIENT_KEYS_FILE", c.ClientKeysFile}, {"OIDC_ISSUER", c.OIDC.Issuer}, {"OIDC_AUDIENCE", c.OIDC.Audience},
	} {
		if s.value != "" {
			faults = append(faults, fmt.Errorf("SCALEGRAPH_%s: has no effect without SCALEGRAPH_AUTH=aksk", s.name))
		}
	}
	return faults
}
