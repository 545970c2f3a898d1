package gqlhttp

import (
	"bytes"
	"sync"
)

// buffers keeps the buffers of answers for further ones. The zero value is ready, and many goroutines may use it.
type buffers struct{ pool sync.Pool }

// largestKept bounds the buffers that are kept, in bytes: a giant must not stay for the sake of the next small answer.
const largestKept = 256 << 10

func (p *buffers) get() *bytes.Buffer {
	if b, ok := p.pool.Get().(*bytes.Buffer); ok {
		return b
	}
	return new(bytes.Buffer)
}

// giveBack takes a buffer of which nobody uses any bytes any more.
func (p *buffers) giveBack(b *bytes.Buffer) {
	if b.Cap() <= largestKept {
		b.Reset()
		p.pool.Put(b)
	}
}
