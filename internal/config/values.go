package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"scalegraph/internal/auth"
	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/redisx"
	"scalegraph/internal/secretfile"
	"scalegraph/upstream"
)

// The functions below return parsers of one setting's text. A parser writes to its target only if the text is valid. Its error
// describes the valid values and does not repeat the text, which may contain a secret.

func str(to *string) func(string) error {
	return func(s string) error {
		*to = s
		return nil
	}
}

// identifierForm matches valid names of regions. They occur in URLs, and in lists that use commas and equal signs.
var identifierForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

func identifier(to *string) func(string) error {
	return func(s string) error {
		if !identifierForm.MatchString(s) {
			return errors.New("must be 1 to 64 letters, digits, dots, dashes or underscores")
		}
		*to = s
		return nil
	}
}

// id reads an id as the upstream has them.
func id(to *string) func(string) error {
	return func(s string) error {
		if !upstream.ValidID(s) {
			return errors.New("must be 1 to 64 letters, digits, dashes or underscores")
		}
		*to = s
		return nil
	}
}

func oneOf(to *string, choices ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(choices, s) {
			return fmt.Errorf("must be %s", strings.Join(choices, " or "))
		}
		*to = s
		return nil
	}
}

func boolean(to *bool) func(string) error {
	return func(s string) error {
		yes, err := strconv.ParseBool(s)
		if err != nil {
			return errors.New("must be true or false")
		}
		*to = yes
		return nil
	}
}

// count parses a whole number from lo to hi.
func count(to *int, lo, hi int) func(string) error {
	return func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < lo || n > hi {
			return fmt.Errorf("must be a whole number from %d to %d", lo, hi)
		}
		*to = n
		return nil
	}
}

func duration(to *time.Duration, lo, hi time.Duration) func(string) error {
	return func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < lo || d > hi {
			return fmt.Errorf("must be a duration like 5s or 1h30m, from %v to %v", lo, hi)
		}
		*to = d
		return nil
	}
}

// size parses a number of bytes, at least lo.
func size(to *int64, lo int64) func(string) error {
	return func(s string) error {
		n, err := parseSize(s)
		if err != nil || n < lo {
			return fmt.Errorf("must be a size like 256KiB, 64MiB, 1GiB or a number of bytes, at least %d", lo)
		}
		*to = n
		return nil
	}
}

func parseSize(s string) (int64, error) {
	digits, unit := s, int64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB"} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			digits, unit = number, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0, err
	}
	if int64(n) > math.MaxInt64/unit {
		return 0, strconv.ErrRange
	}
	return int64(n) * unit, nil
}

// address parses a listen address host:port. An empty host means all interfaces.
func address(to *string) func(string) error {
	return func(s string) error {
		_, port, err := net.SplitHostPort(s)
		if err != nil || !isPort(port) {
			return errors.New("must be host:port with a port from 0 to 65535, e.g. 127.0.0.1:8080")
		}
		*to = s
		return nil
	}
}

// isPort accepts 0, which stands for any free port.
func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

var basePathForm = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// basePath reads a path without a slash at its end; / means none.
func basePath(to *string) func(string) error {
	return func(s string) error {
		path := strings.TrimRight(s, "/")
		if path != "" && (!basePathForm.MatchString(path) || strings.Contains(path+"/", "/../") || strings.Contains(path+"/", "/./")) ||
			!strings.HasPrefix(s, "/") {
			return errors.New("must be a path like /scalegraph, of letters, digits, dots, dashes, underscores and tildes")
		}
		*to = path
		return nil
	}
}

func upstreamURL(to *string) func(string) error {
	return func(s string) error {
		if s == demoName {
			*to = s
			return nil
		}
		base, err := parseBaseURL(s)
		if errors.Is(err, errPlaceholderHost) {
			return err
		}
		if err != nil {
			return fmt.Errorf("must be %s, or %w", demoName, err)
		}
		*to = base
		return nil
	}
}

var errBaseURL = errors.New("must be an http:// or https:// URL with a host, perhaps a port and a path, and nothing else (no user, query or fragment)")

// parseBaseURL checks an http or https URL and returns it without a trailing slash. Errors do not repeat it.
func parseBaseURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", errBaseURL
	}
	if port := u.Port(); port != "" && (!isPort(port) || port == "0") {
		return "", errBaseURL
	}
	if isPlaceholderHost(u.Hostname()) {
		return "", errPlaceholderHost
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
		return "", errBaseURL
	}
	return strings.TrimRight(s, "/"), nil
}

func regions(to *map[string]string) func(string) error {
	return func(s string) error {
		found := map[string]string{}
		for i, entry := range strings.Split(s, ",") {
			name, base, ok := strings.Cut(strings.TrimSpace(entry), "=")
			if !ok || !identifierForm.MatchString(name) {
				return fmt.Errorf("entry %d must be name=url", i+1)
			}
			if _, twice := found[name]; twice {
				return fmt.Errorf("region %s is named twice", name)
			}
			base, err := parseBaseURL(base)
			if err != nil {
				return fmt.Errorf("region %s: %w", name, err)
			}
			found[name] = base
		}
		*to = found
		return nil
	}
}

// redisURL checks the form, without connecting.
func redisURL(to *string) func(string) error {
	return func(s string) error {
		if err := redisx.CheckURL(s); err != nil {
			return err
		}
		if err := checkHosts(s); err != nil {
			return err
		}
		*to = s
		return nil
	}
}

// checkHosts rejects placeholders and impossible ports in a URL that redisx.CheckURL accepts. It may have several hosts.
func checkHosts(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("must be a URL")
	}
	for host := range strings.SplitSeq(u.Host, ",") {
		name, port, err := net.SplitHostPort(strings.TrimSpace(host))
		if err != nil {
			name, port = host, "6379"
		}
		if !isPort(port) || port == "0" {
			return errors.New("ports must be from 1 to 65535")
		}
		if isPlaceholderHost(name) {
			return errPlaceholderHost
		}
	}
	return nil
}

// origins parses browser origins (scheme, host and port) separated by commas. The origin * matches all.
func origins(to *[]string) func(string) error {
	return func(s string) error {
		var found []string
		for i, entry := range strings.Split(s, ",") {
			origin := strings.TrimSpace(entry)
			u, err := url.Parse(origin)
			if origin != "*" && (err != nil || u.Host == "" || u.Port() != "" && !isPort(u.Port()) || u.Scheme+"://"+u.Host != origin) {
				return fmt.Errorf("entry %d must be an origin like https://console.example.com, or * for any", i+1)
			}
			found = append(found, origin)
		}
		*to = found
		return nil
	}
}

// hosts reads host names without ports, separated by commas, in lower case.
func hosts(to *[]string) func(string) error {
	return func(s string) error {
		var found []string
		for i, entry := range strings.Split(strings.ToLower(s), ",") {
			host := strings.TrimSpace(entry)
			if u, err := url.Parse("http://" + host); host == "" || err != nil || u.Hostname() != host {
				return fmt.Errorf("entry %d must be a host name without a port, like metrics.example.com", i+1)
			}
			found = append(found, host)
		}
		*to = found
		return nil
	}
}

// keyFile accepts the name of a readable file that contains exactly one key.
func keyFile(to *string) func(string) error {
	return func(s string) error {
		if _, err := secretfile.OpenKey(s); err != nil {
			return err
		}
		*to = s
		return nil
	}
}

// clientKeys accepts the name of a file of callers' keys if every line of it is valid.
func clientKeys(to *string) func(string) error {
	return func(s string) error {
		if _, err := auth.OpenKeys(s, slog.New(slog.DiscardHandler)); err != nil {
			return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		*to = s
		return nil
	}
}

// issuerURL parses the URL of an OIDC issuer. Plain HTTP is allowed only for this machine: an attacker who can change the response of
// an issuer can forge tokens.
func issuerURL(to *string) func(string) error {
	return func(s string) error {
		base, err := parseBaseURL(s)
		if err != nil {
			return err
		}
		u, _ := url.Parse(base) // parseBaseURL has parsed it
		if u.Scheme != "https" && !auth.IsLoopback(u.Hostname()) {
			return errors.New("must be an https:// URL")
		}
		*to = s // with its trailing slash, if any: the claim iss must be equal to it
		return nil
	}
}

// trusted loads trusted documents, so that a broken file is known before anything starts.
func trusted(to **document.Trusted) func(string) error {
	return func(s string) error {
		loaded, err := document.LoadTrusted(s)
		if err != nil {
			return err
		}
		*to = loaded
		return nil
	}
}
