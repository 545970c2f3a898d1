package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
)

// issuerTimeout bounds one question to the issuer.
const issuerTimeout = 5 * time.Second

// algorithms are those that only the issuer itself can sign with. A token names its own, so none and the HMACs (whose key would be the
// issuer's public one) must not be among them, whatever the issuer's document says.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// Issuer recognises the JWTs of one OIDC issuer. It asks the issuer for its keys when the first token comes, so the server starts
// while the issuer is away.
type Issuer struct {
	url, audience, claim string
	client               *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil: the issuer was not reached yet
	failed   error                 // why not
	again    time.Time             // when to try again
}

// NewIssuer accepts tokens of an issuer that name this audience. The claim lists the projects: a list, or one text with spaces
// or commas; * is all.
func NewIssuer(url, audience, claim string) *Issuer {
	client := &http.Client{Timeout: issuerTimeout, Transport: &calm{next: http.DefaultTransport}}
	return &Issuer{url: url, audience: audience, claim: claim, client: client}
}

func (s *Issuer) identify(ctx context.Context, token string) (Identity, error) {
	verifier, err := s.ready(ctx)
	if err != nil {
		return Identity{}, errors.Join(ErrUnknown, err)
	}
	proven, err := verifier.Verify(oidc.ClientContext(ctx, s.client), token)
	if err != nil {
		return Identity{}, errors.Join(ErrUnknown, err)
	}
	claims := map[string]any{}
	if err := proven.Claims(&claims); err != nil {
		return Identity{}, errors.Join(ErrUnknown, err)
	}
	found := Identity{Name: "oidc:" + loggable(proven.Subject)}
	for _, project := range listed(claims[s.claim]) {
		if project == "*" {
			return Identity{Name: found.Name, All: true}, nil
		}
		found.Projects = append(found.Projects, project)
	}
	return found, nil
}

// ready returns what checks tokens, and asks the issuer for what that needs where it is not known. A failure stands for a second.
func (s *Issuer) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.verifier != nil {
		return s.verifier, nil
	}
	if time.Now().Before(s.again) {
		return nil, s.failed
	}
	// The keys are fetched with this context long after the request that caused it.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), s.client), s.url)
	if err != nil {
		s.failed, s.again = fmt.Errorf("the issuer cannot be asked: %w", err), time.Now().Add(time.Second)
		return nil, s.failed
	}
	s.verifier = provider.Verifier(&oidc.Config{ClientID: s.audience, SupportedSigningAlgs: algorithms})
	return s.verifier, nil
}

// listed reads the claim.
func listed(claim any) []string {
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

// loggable shortens a name and takes out what could forge lines.
func loggable(name string) string {
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
