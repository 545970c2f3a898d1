package upstream

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

// Keys are a pair of access keys. No way of printing them shows what they are.
type Keys struct {
	Access        string
	Secret        string
	SecurityToken string // goes with temporary keys; empty: permanent ones
}

// String keeps keys out of texts.
func (Keys) String() string { return "[keys]" }

// GoString keeps keys out of dumps.
func (Keys) GoString() string { return "[keys]" }

// MarshalText keeps keys out of logs and JSON.
func (Keys) MarshalText() ([]byte, error) { return []byte("[keys]"), nil }

const (
	signAlgorithm = "SDK-HMAC-SHA256"
	signDate      = "20060102T150405Z"
	emptyBody     = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of nothing
)

// signedHeaders are what a signature covers, where the request has them; in the order that it needs. Host and User-Agent are not among
// them: proxies change both, and the official SDK leaves out the first, too.
var signedHeaders = []string{"x-project-id", "x-sdk-date", "x-security-token"}

// Sign adds a signature as of a time to a request without a body.
func (k Keys) Sign(req *http.Request, at time.Time) {
	req.Header.Set("X-Sdk-Date", at.UTC().Format(signDate))
	req.Header.Del("X-Security-Token")
	if k.SecurityToken != "" {
		req.Header.Set("X-Security-Token", k.SecurityToken)
	}
	names := slices.DeleteFunc(slices.Clone(signedHeaders), func(name string) bool { return req.Header.Get(name) == "" })
	req.Header.Set("Authorization", signAlgorithm+" Access="+k.Access+", SignedHeaders="+strings.Join(names, ";")+
		", Signature="+k.signature(req, names))
}

func (k Keys) signature(req *http.Request, names []string) string {
	canonical := sha256.Sum256([]byte(canonicalRequest(req, names)))
	mac := hmac.New(sha256.New, []byte(k.Secret))
	mac.Write([]byte(signAlgorithm + "\n" + req.Header.Get("X-Sdk-Date") + "\n" + hex.EncodeToString(canonical[:])))
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

// canonicalPath ends in a slash for signing even where the real path does not.
func canonicalPath(u *url.URL) string {
	segments := strings.Split(u.EscapedPath(), "/")
	for i, s := range segments {
		plain, _ := url.PathUnescape(s) // what EscapedPath returns can always be read
		segments[i] = encoded(plain)
	}
	return strings.TrimSuffix(strings.Join(segments, "/"), "/") + "/"
}

// canonicalQuery sorts by name, and the values of one name among themselves.
func canonicalQuery(query url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, encoded(name)+"="+encoded(value))
		}
	}
	return strings.Join(pairs, "&")
}

// encoded leaves only the unreserved characters of RFC 3986 as they are.
func encoded(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") // a plus itself is %2B by now
}
