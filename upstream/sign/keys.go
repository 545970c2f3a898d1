// Package sign signs requests to the upstream with access keys (SDK-HMAC-SHA256) and protects the keys: Lockout stops signing before the
// upstream locks them, and Clock detects that signatures are rejected because of the local clock.
package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Keys are a pair of access keys. Formatting, logging and encoding them shows a placeholder only.
type Keys struct {
	Access        string
	Secret        string
	SecurityToken string // of temporary keys; empty for permanent ones
}

// String returns a placeholder.
func (Keys) String() string { return "[keys]" }

// GoString returns a placeholder.
func (Keys) GoString() string { return "[keys]" }

// MarshalText returns a placeholder, so that keys do not appear in logs or JSON.
func (Keys) MarshalText() ([]byte, error) { return []byte("[keys]"), nil }

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateLayout = "20060102T150405Z"
	emptyBody  = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of an empty body
)

// signedHeaders are the headers that a signature covers if the request has them, in canonical order. Host and User-Agent are not among them
// because proxies change both; the official SDK omits Host, too.
var signedHeaders = []string{"x-project-id", "x-sdk-date", "x-security-token"}

// Sign adds a signature with the time at to a request without a body. It replaces X-Sdk-Date, X-Security-Token and Authorization.
func (k Keys) Sign(req *http.Request, at time.Time) {
	req.Header.Set("X-Sdk-Date", at.UTC().Format(dateLayout))
	req.Header.Del("X-Security-Token")
	if k.SecurityToken != "" {
		req.Header.Set("X-Security-Token", k.SecurityToken)
	}
	names := slices.DeleteFunc(slices.Clone(signedHeaders), func(name string) bool { return req.Header.Get(name) == "" })
	req.Header.Set("Authorization", algorithm+" Access="+k.Access+", SignedHeaders="+strings.Join(names, ";")+
		", Signature="+k.signature(req, names))
}

func (k Keys) signature(req *http.Request, names []string) string {
	canonical := sha256.Sum256([]byte(canonicalRequest(req, names)))
	mac := hmac.New(sha256.New, []byte(k.Secret))
	mac.Write([]byte(algorithm + "\n" + req.Header.Get("X-Sdk-Date") + "\n" + hex.EncodeToString(canonical[:])))
	return hex.EncodeToString(mac.Sum(nil))
}

func canonicalRequest(req *http.Request, names []string) string {
	var headers strings.Builder
	for _, name := range names {
		headers.WriteString(name + ":" + strings.TrimSpace(req.Header.Get(name)) + "\n")
	}
	return strings.Join([]string{
		req.Method, canonicalPath(req.URL), canonicalQuery(req.URL.Query()), headers.String(), strings.Join(names, ";"), emptyBody,
	}, "\n")
}

// canonicalPath returns the escaped path with a slash at the end, even if the request has none.
func canonicalPath(u *url.URL) string {
	segments := strings.Split(u.EscapedPath(), "/")
	for i, s := range segments {
		plain, _ := url.PathUnescape(s) // cannot fail for the result of EscapedPath
		segments[i] = percentEncode(plain)
	}
	return strings.TrimSuffix(strings.Join(segments, "/"), "/") + "/"
}

// canonicalQuery sorts the parameters by name, and the values of one name.
func canonicalQuery(query url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, percentEncode(name)+"="+percentEncode(value))
		}
	}
	return strings.Join(pairs, "&")
}

// percentEncode escapes all bytes but the unreserved characters of RFC 3986.
func percentEncode(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") // a literal plus is %2B at this point
}
