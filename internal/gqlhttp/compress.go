package gqlhttp

import (
	"bytes"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// minCompressed is the smallest size of a body that is compressed, in bytes; below it the gain is not worth the work.
const minCompressed = 1 << 10

// compressors pools encoders, because each has hundreds of kilobytes. It is safe for concurrent use.
type compressors struct {
	zstd   *zstd.Encoder // EncodeAll is safe for concurrent use
	pooled map[string]*sync.Pool
}

// resetter is the common interface of gzip and brotli writers.
type resetter interface {
	io.WriteCloser
	Reset(io.Writer)
}

// zstdWindow bounds the memory of an encoder, in bytes; responses are rarely longer.
const zstdWindow = 256 << 10

// brotliLevel costs about as much time as gzip does.
const brotliLevel = 3

func newCompressors() *compressors {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options above are constants
	}
	return &compressors{zstd: encoder, pooled: map[string]*sync.Pool{
		"br":   {New: func() any { return brotli.NewWriterLevel(nil, brotliLevel) }},
		"gzip": {New: func() any { return gzip.NewWriter(nil) }},
	}}
}

// compress returns the body in a content encoding: zstd, br or gzip.
func (c *compressors) compress(encoding string, body []byte) []byte {
	if encoding == "zstd" {
		return c.zstd.EncodeAll(body, make([]byte, 0, len(body)/4))
	}
	pool := c.pooled[encoding]
	w, ok := pool.Get().(resetter)
	if !ok {
		return nil // New above returns nothing else
	}
	defer pool.Put(w)
	var out bytes.Buffer
	out.Grow(len(body) / 4)
	w.Reset(&out)
	_, _ = w.Write(body) // a bytes.Buffer accepts everything
	_ = w.Close()
	return out.Bytes()
}
