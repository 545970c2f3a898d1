package web

import (
	"bytes"
	"embed"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// files holds what was built, each file in brotli.
//
//go:embed dist
var files embed.FS

// types are the media types of what a build makes, by the end of its name. Those of the system differ from one to the next.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".ttf":   "font/ttf",
	".woff2": "font/woff2",
}

// forever is for names that have a hash of their content.
const forever = "public, max-age=31536000, immutable"

// Assets serves what the pages load, below /assets/. A name has a hash of its content, so it may be kept for ever.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		body, err := kept(name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", closed) // of a worker: its own, not that of the page
		w.Header().Set("Content-Type", types[path.Ext(name)])
		w.Header().Set("Cache-Control", forever)
		w.Header().Set("Vary", "Accept-Encoding")
		send(w, r.Header.Get("Accept-Encoding"), body)
	})
}

// send writes what was packed with brotli as the client can read it. Browsers take brotli over TLS and from their own machine, and gzip
// everywhere.
func send(w http.ResponseWriter, accepted string, packed []byte) {
	plain := brotli.NewReader(bytes.NewReader(packed))
	switch {
	case accepts(accepted, "br"):
		w.Header().Set("Content-Encoding", "br")
		_, _ = w.Write(packed)
	case accepts(accepted, "gzip"):
		w.Header().Set("Content-Encoding", "gzip")
		repacked := gzip.NewWriter(w)
		_, _ = io.Copy(repacked, plain)
		_ = repacked.Close()
	default:
		_, _ = io.Copy(w, plain)
	}
}

// accepts reports whether an Accept-Encoding names the encoding and does not refuse it.
func accepts(header, encoding string) bool {
	for entry := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(entry, ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) {
			return !refused.MatchString(params)
		}
	}
	return false
}

// refused is a weight of nothing, as in "br;q=0".
var refused = regexp.MustCompile(`^\s*q\s*=\s*0(\.0*)?\s*$`)

// kept returns a file of dist/, packed with brotli.
func kept(name string) ([]byte, error) { return files.ReadFile("dist/" + name + ".br") }

// expand returns the content of a file of dist/.
func expand(name string) ([]byte, error) {
	packed, err := kept(name)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(brotli.NewReader(bytes.NewReader(packed)))
}
