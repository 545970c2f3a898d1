package config

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keysFile writes a file and returns its name.
func keysFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAuthSettings(t *testing.T) {
	clients := keysFile(t, "# callers\nconsole some-key p1,p2\nops other-key *\n")
	key := keysFile(t, "a-key\n")
	aksk := []string{"-auth=aksk", "-ak=a", "-sk=s"}
	with := func(more ...string) []string { return append(append([]string{}, aksk...), more...) }
	cases := map[string]struct {
		args []string
		want []string // of each fault, how it begins; none: accepted
	}{
		"by loopback alone":                 {aksk, nil},
		"by IPv6's loopback":                {with("-listen=[::1]:0"), nil},
		"by name":                           {with("-listen=localhost:0"), nil},
		"for all, without callers":          {with("-listen=:8080"), []string{"SCALEGRAPH_LISTEN"}},
		"for a network, without callers":    {with("-listen=10.0.0.1:8080"), []string{"SCALEGRAPH_LISTEN"}},
		"for another name, without callers": {with("-listen=localhost.example.com:8080"), []string{"SCALEGRAPH_LISTEN"}},
		"scripts, without callers":          {with("-cors-origins=*"), []string{"SCALEGRAPH_CORS_ORIGINS"}},
		"for all, with keys":                {with("-listen=:8080", "-cors-origins=*", "-client-keys-file", clients), nil},
		"for all, with an issuer":           {with("-listen=:8080", "-oidc-issuer=https://i.sso.test", "-oidc-audience=us"), nil},
		"an issuer on this machine":         {with("-listen=:8080", "-oidc-issuer=http://127.0.0.1:1", "-oidc-audience=us"), nil},
		"an issuer for whom":                {with("-oidc-issuer=https://i.sso.test"), []string{"SCALEGRAPH_OIDC_ISSUER"}},
		"an audience of whom":               {with("-oidc-audience=us"), []string{"SCALEGRAPH_OIDC_AUDIENCE"}},
		"no secret key":                     {[]string{"-auth=aksk", "-ak=a"}, []string{"SCALEGRAPH_AUTH"}},
		"keys from files":                   {[]string{"-auth=aksk", "-ak-file", key, "-sk-file", key, "-security-token-file", key}, nil},
		"two kinds of one key":              {with("-ak-file", key), []string{"SCALEGRAPH_AK:"}},
		"a guard that would not stand":      {[]string{"-client-keys-file", clients}, []string{"SCALEGRAPH_CLIENT_KEYS_FILE"}},
		"keys that would not sign":          {[]string{"-ak=a", "-sk-file", key}, []string{"SCALEGRAPH_AK:", "SCALEGRAPH_SK_FILE"}},
		"an empty file":                     {with("-security-token-file", keysFile(t, " \n")), []string{"-security-token-file"}},
		"two keys in one file":              {with("-security-token-file", keysFile(t, "a\nb\n")), []string{"-security-token-file"}},
		"a file that is no list of callers": {with("-client-keys-file", keysFile(t, "name hunter2\nname hunter2 p1,\nname hunter2 p1 more\n")), []string{"-client-keys-file"}},
		"one key for two":                   {with("-client-keys-file", keysFile(t, "a hunter2 p1\nb hunter2 p2\n")), []string{"-client-keys-file"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Read(c.args, nil, io.Discard)
			if err == nil {
				if len(c.want) > 0 {
					t.Error("accepted")
				}
				return
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("got\n%s\nwant %d faults", err, len(c.want))
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, c.want[i]) || strings.Contains(line, "hunter2") {
					t.Errorf("got %q, want %q…", line, c.want[i])
				}
			}
		})
	}
}
