package gqlhttp

import (
	"bytes"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// leastCompressed is from how many bytes on a body is compressed; below it the gain is not worth the work.
const leastCompressed = 1 << 10

// encodings are those that we write, the cheapest for the gain first.
var encodings = []string{"zstd", "br", "gzip"}

// chooseEncoding returns the content encoding that the client likes best, ours where several are as welcome; empty for none.
func chooseEncoding(accept []string) string {
	if len(accept) == 0 {
		return ""
	}
	weights := map[string]float64{}
	for _, entry := range splitList(strings.Join(accept, ",")) {
		name, params, _ := strings.Cut(entry, ";")
		_, q, given := strings.Cut(params, "=")
		if !given {
			q = "1"
		}
		weights[strings.ToLower(strings.TrimSpace(name))] = weight(strings.TrimSpace(q))
	}
	best, most := "", 0.0
	for _, name := range encodings {
		q, named := weights[name]
		if !named {
			q = weights["*"]
		}
		if q > most {
			best, most = name, q
		}
	}
	if weights["identity"] > most {
		return ""
	}
	return best
}

// compressors keeps encoders for further answers, because each holds hundreds of kilobytes. Many goroutines may use it.
type compressors struct {
	zstd   *zstd.Encoder // EncodeAll may be called at the same time
	pooled map[string]*sync.Pool
}

// resetter is what gzip and brotli writers share.
type resetter interface {
	io.WriteCloser
	Reset(io.Writer)
}

// zstdWindow bounds the memory of an encoder, in bytes; answers are rarely longer.
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

// compress returns the body in an encoding, one of encodings.
func (c *compressors) compress(encoding string, body []byte) []byte {
	if encoding == "zstd" {
		return c.zstd.EncodeAll(body, make([]byte, 0, len(body)/4))
	}
	pool := c.pooled[encoding]
	w, ok := pool.Get().(resetter)
	if !ok {
		return nil // New above gives nothing else
	}
	defer pool.Put(w)
	var out bytes.Buffer
	out.Grow(len(body) / 4)
	w.Reset(&out)
	_, _ = w.Write(body) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}
