package gqlhttp

import (
	"crypto/sha256"
	"encoding/base64"
	"sync"
)

// encodedBody is the body of a response in the content encodings that were requested. Each is computed once. It is safe for concurrent use.
type encodedBody struct {
	body []byte // never changed

	mu         sync.Mutex
	compressed map[string][]byte // by content encoding
	hash       string            // of body; empty: not computed yet
}

// encoded returns the body in a content encoding; empty means none.
func (b *encodedBody) encoded(encoding string, compressors *compressors) []byte {
	if encoding == "" {
		return b.body
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	body, ok := b.compressed[encoding]
	if !ok {
		body = compressors.compress(encoding, b.body)
		if b.compressed == nil {
			b.compressed = map[string][]byte{}
		}
		b.compressed[encoding] = body
	}
	return body
}

// etag returns a strong validator: equal for equal bytes only, so each content encoding has its own.
func (b *encodedBody) etag(encoding string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hash == "" {
		sum := sha256.Sum256(b.body)
		b.hash = base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	if encoding != "" {
		return `"` + b.hash + "-" + encoding + `"`
	}
	return `"` + b.hash + `"`
}
