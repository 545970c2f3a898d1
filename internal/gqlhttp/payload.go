package gqlhttp

import (
	"crypto/sha256"
	"encoding/base64"
	"sync"
)

// payload is an answer in one piece, in the forms in which it goes out. Each form is made once; the body never changes.
type payload struct {
	body []byte

	mu         sync.Mutex
	compressed map[string][]byte // by content encoding
	sum        string            // of the body; empty: nobody has asked
}

// in returns the body in a content encoding; empty is none.
func (a *payload) in(encoding string, compressors *compressors) []byte {
	if encoding == "" {
		return a.body
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	body, ok := a.compressed[encoding]
	if !ok {
		body = compressors.compress(encoding, a.body)
		if a.compressed == nil {
			a.compressed = map[string][]byte{}
		}
		a.compressed[encoding] = body
	}
	return body
}

// etag is a strong validator: equal for equal bytes only, so each content encoding has its own.
func (a *payload) etag(encoding string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sum == "" {
		sum := sha256.Sum256(a.body)
		a.sum = base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	if encoding != "" {
		return `"` + a.sum + "-" + encoding + `"`
	}
	return `"` + a.sum + `"`
}
