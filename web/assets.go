package web

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// files has the built pages, each file compressed with brotli.
//
//go:embed dist
var files embed.FS

// types maps file name extensions to media types. The tables of operating systems differ.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".ttf":   "font/ttf",
	".woff2": "font/woff2",
}

// forever is for names that have a hash of their content.
const forever = "public, max-age=31536000, immutable"

// Assets returns the handler of the files that the pages load, below /assets/. Names contain a hash of the content, so responses never expire.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		body, err := packedFile(name)
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

// Icon returns the handler of /favicon.ico, for browsers that show something else than a page of ours. It fails if no icon is embedded.
func Icon() (http.Handler, error) {
	found, err := fs.Glob(files, "dist/assets/icon-*.svg.br")
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("web: %d icons are embedded", len(found))
	}
	body, err := files.ReadFile(found[0])
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", types[".svg"])
		w.Header().Set("Cache-Control", "public, max-age=86400")
		w.Header().Set("Vary", "Accept-Encoding")
		send(w, r.Header.Get("Accept-Encoding"), body)
	}), nil
}

// send writes a brotli-compressed body in an encoding that the client accepts. Browsers accept brotli only over TLS and from localhost.
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

// packedFile returns a file of dist/, compressed with brotli.
func packedFile(name string) ([]byte, error) { return files.ReadFile("dist/" + name + ".br") }

// expand returns the content of a file of dist/.
func expand(name string) ([]byte, error) {
	packed, err := packedFile(name)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(brotli.NewReader(bytes.NewReader(packed)))
}
