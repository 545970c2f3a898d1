package gqlhttp

import (
	"bytes"
	"sync"
)

// bufferPool pools the buffers of requests and responses. The zero value is ready; it is safe for concurrent use.
type bufferPool struct{ pool sync.Pool }

// maxPooled bounds the capacity of pooled buffers, in bytes, so that one large response does not occupy memory for good.
const maxPooled = 256 << 10

func (p *bufferPool) get() *bytes.Buffer {
	if b, ok := p.pool.Get().(*bytes.Buffer); ok {
		return b
	}
	return new(bytes.Buffer)
}

// put returns a buffer to the pool. None of its bytes may be in use.
func (p *bufferPool) put(b *bytes.Buffer) {
	if b.Cap() <= maxPooled {
		b.Reset()
		p.pool.Put(b)
	}
}
