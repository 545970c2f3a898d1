package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"scalegraph/internal/auth"
	"scalegraph/internal/request"
)

// issuer is an OIDC issuer. Its keys and its path are changed only while no request is in flight.
type issuer struct {
	url      string
	key      *rsa.PrivateKey
	keys     jose.JSONWebKeySet
	keysPath string
	plain    bool         // the discovery document names a key set without TLS
	requests atomic.Int32 // for its discovery document
	keyReads atomic.Int32 // for its keys
	down     atomic.Bool
}

// newIssuer serves an issuer on a loopback socket.
func newIssuer(t *testing.T) *issuer {
	t.Helper()
	s, handler := newIssuerHandler(t)
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	})
	s.url = server.URL
	return s
}

func newIssuerHandler(t *testing.T) (*issuer, http.Handler) {
	t.Helper()
	s := &issuer{key: rsaKey(t), keysPath: "/keys"}
	s.keys.Keys = []jose.JSONWebKey{{Key: s.key.Public(), KeyID: "one", Use: "sig", Algorithm: "RS256"}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if s.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": s.url, "jwks_uri": s.keysHost() + s.keysPath, "authorization_endpoint": s.url, "token_endpoint": s.url,
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}, // it claims more than is safe
		})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.keyReads.Add(1)
		if r.URL.Path != s.keysPath {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(s.keys)
	})
	return s, mux
}

func (s *issuer) keysHost() string {
	if s.plain {
		return "http://keys.test"
	}
	return s.url
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// claims are right until edited.
func (s *issuer) claims(edit map[string]any) map[string]any {
	c := map[string]any{
		"iss": s.url, "aud": []string{"someone-else", "scalegraph"}, "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(),
		"iat": time.Now().Unix(), "projects": []string{"p1", "p2"},
	}
	for name, value := range edit {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func token(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func (s *issuer) token(t *testing.T, edit map[string]any) string {
	return token(t, jose.RS256, s.key, "one", s.claims(edit))
}

// unsigned is what a library makes that takes alg none for an algorithm.
func unsigned(t *testing.T, alg string, claims map[string]any) string {
	t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"`+alg+`","typ":"JWT"}`)) + "." + part(text) + "."
}

func publicPEM(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func (s *issuer) checker() *auth.Authenticator {
	return &auth.Authenticator{Issuer: auth.NewIssuer(s.url, "scalegraph", "projects", slog.New(slog.DiscardHandler)), Log: slog.New(slog.DiscardHandler)}
}

func authenticate(t *testing.T, c *auth.Authenticator, bearer string) (*request.Caller, error) {
	t.Helper()
	caller := &request.Caller{Bearer: bearer, Token: "iam", Tokens: map[string]string{"p": "iam"}}
	return caller, c.Authenticate(t.Context(), caller)
}

func TestValidTokens(t *testing.T) {
	s := newIssuer(t)
	c := s.checker()
	for name, tc := range map[string]struct {
		claim any
		want  []string
		all   bool
	}{
		"a list":          {[]string{"p1", "p2"}, []string{"p1", "p2"}, false},
		"a text":          {"p1 p2,p3", []string{"p1", "p2", "p3"}, false},
		"all":             {[]string{"*"}, nil, true},
		"none":            {[]string{}, nil, false},
		"no claim":        {nil, nil, false},
		"something else":  {map[string]any{"p1": true}, nil, false},
		"no texts within": {[]any{1, nil, "", "p1"}, []string{"p1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			caller, err := authenticate(t, c, s.token(t, map[string]any{"projects": tc.claim}))
			if err != nil || caller.Name != "oidc:alice" || !slices.Equal(caller.Projects, tc.want) || caller.ProjectsOnly == tc.all {
				t.Errorf("%+v, %v", caller, err)
			}
			if caller.Token != "" || caller.Tokens != nil {
				t.Error("tokens of IAM were kept")
			}
			if caller.MayRead("p1") != (tc.all || slices.Contains(tc.want, "p1")) || caller.MayRead("p9") != tc.all {
				t.Error("may read other projects than the token says")
			}
		})
	}
}

func TestInvalidTokens(t *testing.T) {
	s := newIssuer(t)
	c := s.checker()
	stranger := rsaKey(t)
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := s.token(t, nil)
	for name, bearer := range map[string]string{
		"expired":                     s.token(t, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}),
		"without an end":              s.token(t, map[string]any{"exp": nil}),
		"not valid yet":               s.token(t, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"for another audience":        s.token(t, map[string]any{"aud": "someone-else"}),
		"for nobody":                  s.token(t, map[string]any{"aud": nil}),
		"of another issuer":           s.token(t, map[string]any{"iss": "https://issuer.example.com"}),
		"alg none":                    unsigned(t, "none", s.claims(nil)),
		"alg None":                    unsigned(t, "None", s.claims(nil)),
		"HS256 with the public key":   token(t, jose.HS256, publicPEM(t, s.key), "one", s.claims(nil)),
		"HS256 with the modulus":      token(t, jose.HS256, s.key.N.Bytes(), "one", s.claims(nil)),
		"another's key":               token(t, jose.RS256, stranger, "one", s.claims(nil)),
		"another's key, unknown id":   token(t, jose.RS256, stranger, "two", s.claims(nil)),
		"another kind of key":         token(t, jose.ES256, elliptical, "one", s.claims(nil)),
		"signature cut off":           good[:strings.LastIndex(good, ".")+1],
		"signature of another length": good[:len(good)-8],
		"claims changed":              strings.Replace(good, ".", ".e30", 1),
		"no JWT":                      "a.b.c",
		"nothing":                     "",
	} {
		t.Run(name, func(t *testing.T) {
			caller, err := authenticate(t, c, bearer)
			if !errors.Is(err, auth.ErrUnknown) || caller.Name != "" {
				t.Errorf("%+v, %v", caller, err)
			}
			if bearer != "" && strings.Contains(err.Error(), bearer) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
	if _, err := authenticate(t, c, good); err != nil {
		t.Error(err)
	}
}

// Tokens with unknown keys come from strangers; they must not cause requests to the issuer.
func TestTokensWithUnknownKeysCauseNoReads(t *testing.T) {
	s := newIssuer(t)
	c := s.checker()
	stranger := rsaKey(t)
	for range 50 {
		if _, err := authenticate(t, c, token(t, jose.RS256, stranger, rand.Text(), s.claims(nil))); err == nil {
			t.Fatal("accepted")
		}
	}
	if n := s.keyReads.Load(); n != 1 {
		t.Errorf("keys read %d times, want once", n)
	}
}
