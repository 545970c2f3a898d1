package main

import (
	"errors"
	"log/slog"
	"strings"

	"scalegraph/auth"
	"scalegraph/secretfile"
	"scalegraph/upstream"
)

// keySource returns what signs the calls to the upstream; nil where callers' tokens go there. Files are read again when they
// have changed, so keys can be rotated while the server runs.
func keySource(cfg Config) (upstream.KeySource, error) {
	if cfg.Auth != authKeys {
		return nil, nil
	}
	var read [3]func() (string, error)
	for i, k := range []Key{cfg.AccessKey, cfg.SecretKey, cfg.SecurityToken} {
		r, err := keyReader(k)
		if err != nil {
			return nil, err
		}
		read[i] = r
	}
	return func() (upstream.Keys, error) {
		access, err1 := read[0]()
		secret, err2 := read[1]()
		token, err3 := read[2]()
		return upstream.Keys{Access: access, Secret: secret, SecurityToken: token}, errors.Join(err1, err2, err3)
	}, nil
}

func keyReader(k Key) (func() (string, error), error) {
	if k.File == "" {
		return func() (string, error) { return k.Text, nil }, nil
	}
	file, err := openKey(k.File)
	if err != nil {
		return nil, err
	}
	return func() (string, error) { return readKey(file) }, nil
}

// openKey opens a file that holds one key.
func openKey(path string) (*secretfile.File, error) {
	file, err := secretfile.Open(path)
	if err != nil {
		return nil, err
	}
	_, err = readKey(file)
	return file, err
}

var errKey = errors.New("the file holds no key, or more than one")

// readKey leaves out the spaces and line ends around a key. A file that holds nothing is being written just now, or is wrong.
func readKey(file *secretfile.File) (string, error) {
	content, _, err := file.Read()
	if err != nil {
		return "", err
	}
	key := strings.Fields(string(content))
	if len(key) != 1 {
		return "", errKey
	}
	return key[0], nil
}

// newChecker returns what recognises callers; nil where nobody is asked for a proof.
func newChecker(cfg Config, log *slog.Logger) (*auth.Checker, error) {
	if !cfg.Callers() {
		return nil, nil
	}
	c := &auth.Checker{Log: log}
	if cfg.OIDC.Issuer != "" {
		c.Issuer = auth.NewIssuer(cfg.OIDC.Issuer, cfg.OIDC.Audience, cfg.OIDC.Claim)
	}
	if cfg.ClientKeysFile == "" {
		return c, nil
	}
	var err error
	c.Keys, err = auth.OpenKeys(cfg.ClientKeysFile, log)
	return c, err
}
