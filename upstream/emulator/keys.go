package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	algorithm   = "SDK-HMAC-SHA256"
	dateLayout  = "20060102T150405Z"
	clockDrift  = 15 * time.Minute // documented
	lockAfter   = 5                // failed checks in a row, documented
	lockFor     = 5 * time.Minute  // documented
	largestBody = 12 << 20         // documented
)

// Key is a pair of access keys with its access.
type Key struct {
	AK, SK        string
	SecurityToken string   // of temporary keys; empty: permanent ones
	Projects      []string // empty: all
}

// keyState is a key with the results of its last checks.
type keyState struct {
	Key
	failed      int
	lockedUntil time.Time
}

// AddKey accepts requests that are signed with k.
func (e *Emulator) AddKey(k Key) {
	e.access.mu.Lock()
	defer e.access.mu.Unlock()
	if e.access.keys == nil {
		e.access.keys = map[string]*keyState{}
	}
	e.access.keys[k.AK] = &keyState{Key: k}
}

// RemoveKey rejects requests that are signed with a key from now on.
func (e *Emulator) RemoveKey(ak string) {
	e.access.mu.Lock()
	defer e.access.mu.Unlock()
	delete(e.access.keys, ak)
}

func signed(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), algorithm+" ")
}

// verify checks a signed request. More than five failures in a row lock the key for five minutes.
func (a *access) verify(r *http.Request) (grant, *refusal) {
	s := parseSignature(r.Header.Get("Authorization"))
	body, err := io.ReadAll(io.LimitReader(r.Body, largestBody))
	if err != nil {
		return grant{}, bad("APIG.0201", "Bad request: the body cannot be read")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := a.keys[s.access]
	switch {
	case !ok:
		return grant{}, wrongKey("access key not found")
	case time.Now().Before(k.lockedUntil):
		return grant{}, wrongKey("the access key is locked")
	}
	if no := k.check(r, s, body); no != nil {
		k.failure()
		return grant{}, no
	}
	k.failed = 0
	return grant{projects: k.Projects}, nil
}

func (k *keyState) failure() {
	k.failed++
	if k.failed > lockAfter {
		k.failed, k.lockedUntil = 0, time.Now().Add(lockFor)
	}
}

func (k *keyState) check(r *http.Request, s signature, body []byte) *refusal {
	date := r.Header.Get("X-Sdk-Date")
	at, err := time.Parse(dateLayout, date)
	if err != nil || time.Since(at).Abs() > clockDrift {
		return wrongKey("the signature expired or X-Sdk-Date is wrong")
	}
	if !slices.Contains(s.headers, "x-sdk-date") {
		return wrongKey("X-Sdk-Date is not signed")
	}
	if r.Header.Get("X-Security-Token") != k.SecurityToken {
		return wrongKey("the security token does not belong to the access key")
	}
	canonical := canonicalRequest(r, s.headers, body)
	if !hmac.Equal([]byte(s.signature), []byte(sign(k.SK, date, canonical))) {
		// The gateway repeats the canonical request, so a client that logs this message logs the security token.
		return wrongKey("verify ak sk signature fail, canonicalRequest:" + strings.ReplaceAll(canonical, "\n", "|"))
	}
	return nil
}

func wrongKey(why string) *refusal {
	return refuse(http.StatusUnauthorized, "APIG.0301", "Incorrect IAM authentication information: "+why)
}

// signature is a parsed Authorization header.
type signature struct {
	access    string
	headers   []string
	signature string
}

func parseSignature(header string) signature {
	var s signature
	for part := range strings.SplitSeq(strings.TrimPrefix(header, algorithm+" "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Access":
			s.access = value
		case "SignedHeaders":
			s.headers = strings.Split(value, ";")
		case "Signature":
			s.signature = value
		}
	}
	return s
}

func sign(sk, date, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(sk))
	mac.Write([]byte(algorithm + "\n" + date + "\n" + hex.EncodeToString(hash[:])))
	return hex.EncodeToString(mac.Sum(nil))
}

func canonicalRequest(r *http.Request, headers []string, body []byte) string {
	return strings.Join([]string{
		r.Method, canonicalPath(r.URL), canonicalQuery(r.URL), canonicalHeaders(r, headers),
		strings.Join(headers, ";"), bodyHash(r, body),
	}, "\n")
}

// canonicalPath returns the path with a slash at the end, even if the request has none.
func canonicalPath(u *url.URL) string {
	segments := strings.Split(u.EscapedPath(), "/")
	for i, s := range segments {
		segments[i] = percent(unescape(s))
	}
	return strings.TrimSuffix(strings.Join(segments, "/"), "/") + "/"
}

// canonicalQuery sorts the parameters by name, and the values of one name.
func canonicalQuery(u *url.URL) string {
	query := u.Query()
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, percent(name)+"="+percent(value))
		}
	}
	return strings.Join(pairs, "&")
}

// canonicalHeaders returns the headers in SignedHeaders. Some clients sign the host, others do not.
func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		b.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	return b.String()
}

func bodyHash(r *http.Request, body []byte) string {
	if given := r.Header.Get("X-Sdk-Content-Sha256"); given != "" {
		return given
	}
	hash := sha256.Sum256(body)
	return hex.EncodeToString(hash[:])
}

// percent escapes all bytes but the unreserved characters of RFC 3986.
func percent(text string) string {
	const upper = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', upper[c>>4], upper[c&15]})
		}
	}
	return b.String()
}
