package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
)

// algorithms are the accepted signature algorithms. The token names the algorithm, so "none" and the HMACs, for which the key would be
// the issuer's public key, must not be accepted even if the discovery document lists them.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// Issuer authenticates the JWTs of one OIDC issuer. Its keys are read when the first token arrives, so the server starts even if the
// issuer does not respond. It is safe for concurrent use.
type Issuer struct {
	claim    string
	keys     *keySet
	verifier *oidc.IDTokenVerifier
}

// NewIssuer returns an Issuer that accepts tokens for one audience. The claim names the projects, as a list of strings or as one
// string separated by spaces or commas; * stands for all projects.
func NewIssuer(url, audience, claim string, log *slog.Logger) *Issuer {
	keys := newKeySet(url, log)
	return &Issuer{claim, keys, oidc.NewVerifier(url, keys, &oidc.Config{ClientID: audience, SupportedSigningAlgs: algorithms})}
}

func (s *Issuer) identify(ctx context.Context, token string) (Identity, error) {
	proven, err := s.verifier.Verify(ctx, token)
	if err != nil {
		return Identity{}, errors.Join(ErrUnknown, err)
	}
	claims := map[string]any{}
	if err := proven.Claims(&claims); err != nil {
		return Identity{}, errors.Join(ErrUnknown, err)
	}
	found := Identity{Name: "oidc:" + sanitizeName(proven.Subject)}
	for _, project := range claimStrings(claims[s.claim]) {
		if project == "*" {
			return Identity{Name: found.Name, All: true}, nil
		}
		found.Projects = append(found.Projects, project)
	}
	return found, nil
}

// claimStrings returns the entries of a claim; nil if it is neither a string nor a list.
func claimStrings(claim any) []string {
	switch claim := claim.(type) {
	case string:
		return strings.FieldsFunc(claim, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	case []any:
		var texts []string
		for _, entry := range claim {
			if text, ok := entry.(string); ok && text != "" {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// sanitizeName removes unprintable characters, which could forge log lines, and truncates the name to 100 bytes.
func sanitizeName(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	return name[:min(len(name), 100)]
}

func looksLikeJWT(bearer string) bool {
	header, rest, ok := strings.Cut(bearer, ".")
	if !ok || strings.Count(rest, ".") != 1 {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(header)
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(text)), "{")
}

// Check returns nil if the keys of the issuer can be read.
func (s *Issuer) Check(ctx context.Context) error {
	_, err := s.keys.current(ctx, keysMaxAge)
	return err
}
