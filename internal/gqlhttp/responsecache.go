package gqlhttp

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/internal/request"
)

// responseCache caches whole responses, to serve them to the same credential for the same request while all that they depend on is valid: pages
// that are fresh, and the permission to read them. The caller is authenticated and charged for each request as without the cache. It is safe for
// concurrent use; a nil *responseCache caches nothing.
type responseCache struct {
	responses  *otter.Cache[responseKey, *cachedResponse]
	doorkeeper [4096]atomic.Uint64 // prefixes of keys that were requested lately, see put
}

// responseKey is a hash of those parts of a request that its response depends on, including the credentials, which it does not reveal.
type responseKey [sha256.Size]byte

// cachedResponse is a response with the cached values that it depends on.
type cachedResponse struct {
	*encodedBody
	dependencies []request.Dependency
	kind, name   string // as in request.Report; so operation
	operation    string
	cost         int
}

// entryOverhead is the estimated size of an entry without its body, in bytes.
const entryOverhead = 1 << 10

// newResponseCache returns a cache of at most so many bytes; nil if that is not positive.
func newResponseCache(bytes int64) *responseCache {
	if bytes <= 0 {
		return nil
	}
	return &responseCache{responses: otter.Must(&otter.Options[responseKey, *cachedResponse]{
		MaximumWeight: uint64(bytes),
		Weigher: func(_ responseKey, r *cachedResponse) uint32 {
			return uint32(entryOverhead + len(r.body)*3/2) // with its compressed forms
		},
	})}
}

// get returns the cached response if all that it depends on is valid now.
func (c *responseCache) get(key responseKey, now time.Time) (*cachedResponse, bool) {
	r, ok := c.responses.GetIfPresent(key)
	if !ok {
		return nil, false
	}
	for _, d := range r.dependencies {
		if !d.Valid(now) {
			return nil, false
		}
	}
	return r, true
}

// recordHit counts the dependencies as used by the caller.
func (r *cachedResponse) recordHit(c *request.Caller) {
	for _, d := range r.dependencies {
		d.RecordHit(&c.Tally)
	}
}

// put caches a response if the same request was made shortly before: most requests of some clients are made once and would only evict the others.
// The body is copied.
func (c *responseCache) put(key responseKey, r *cachedResponse) {
	prefix := binary.LittleEndian.Uint64(key[:])
	if c.doorkeeper[prefix%uint64(len(c.doorkeeper))].Swap(prefix) != prefix {
		return
	}
	r.encodedBody = &encodedBody{body: bytes.Clone(r.body)}
	c.responses.Set(key, r)
}

// keyOf returns the key of a request: its text, the form of its response, and all that distinguishes callers.
func keyOf(method string, accept []string, text []byte, c *request.Caller) responseKey {
	b := make([]byte, 0, 2<<10) // on the stack, and enough for most
	part := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	list := func(all []string) {
		b = binary.AppendUvarint(b, uint64(len(all)))
		for _, s := range all {
			part(s)
		}
	}
	part(method)
	list(accept)
	b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	part(c.Token)
	part(c.Bearer)
	if c.ProjectsOnly {
		part("confined")
		list(c.Projects)
	}
	for _, project := range slices.Sorted(maps.Keys(c.Tokens)) {
		part(project)
		part(c.Tokens[project])
	}
	return sha256.Sum256(b)
}
