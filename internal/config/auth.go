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
	AuthKeys        = "aksk"        // with a signature by keys of our own
)

func (k Key) set() bool { return k.Text != "" || k.File != "" }

// Callers reports whether callers can, and therefore must, prove who they are.
func (c Config) Callers() bool { return c.ClientKeysFile != "" || c.OIDC.Issuer != "" }

// authFaults returns what is wrong between the settings of authentication. A guard that would not stand where it was put, and
// keys that would serve strangers, are faults.
func (c Config) authFaults() []error {
	faults := c.twice()
	if c.Auth != AuthKeys {
		return append(faults, c.needsKeys()...)
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
	if c.Callers() {
		return faults
	}
	if host, _, _ := net.SplitHostPort(c.Listen); !auth.IsLoopback(host) {
		faults = append(faults, errors.New("SCALEGRAPH_LISTEN: anybody could read with the keys of SCALEGRAPH_AUTH=aksk; it must be a loopback address "+
			"where neither SCALEGRAPH_CLIENT_KEYS_FILE nor SCALEGRAPH_OIDC_ISSUER is set"))
	}
	if len(c.CORSOrigins) > 0 {
		faults = append(faults, errors.New("SCALEGRAPH_CORS_ORIGINS: with SCALEGRAPH_AUTH=aksk, only where callers prove who they are"))
	}
	return faults
}

// twice returns the keys that are given in two ways.
func (c Config) twice() []error {
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

// needsKeys returns the settings that do nothing without aksk.
func (c Config) needsKeys() []error {
	var faults []error
	for _, s := range []struct{ name, value string }{
		{"AK", c.AccessKey.Text}, {"AK_FILE", c.AccessKey.File},
		{"SK", c.SecretKey.Text}, {"SK_FILE", c.SecretKey.File},
		{"SECURITY_TOKEN", c.SecurityToken.Text}, {"SECURITY_TOKEN_FILE", c.SecurityToken.File},
		{"CLIENT_KEYS_FILE", c.ClientKeysFile}, {"OIDC_ISSUER", c.OIDC.Issuer}, {"OIDC_AUDIENCE", c.OIDC.Audience},
	} {
		if s.value != "" {
			faults = append(faults, fmt.Errorf("SCALEGRAPH_%s: counts only with SCALEGRAPH_AUTH=aksk", s.name))
		}
	}
	return faults
}
