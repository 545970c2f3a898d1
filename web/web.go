// Package web serves the console and GraphiQL, and everything that they load, from the program itself. The pages are built from the
// sources in this directory (npm run build) and embedded from dist/, compressed, so that the program builds without Node.js. Their links
// are relative, so that a proxy may serve them below a prefix.
package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Settings are written into the pages and are public. The zero Settings are those of a real upstream whose callers send X-Auth-Token.
type Settings struct {
	Demo   bool    `json:"demo,omitempty"`   // whether the upstream is the embedded demo
	Token  string  `json:"token,omitempty"`  // the token of the demo
	Header string  `json:"header,omitempty"` // the header that identifies a caller, if it is not X-Auth-Token
	Groups []Group `json:"groups,omitempty"`
}

// Group is a group that the pages show first.
type Group struct {
	ID   string `json:"groupId"`
	Name string `json:"name,omitempty"`
}

// The content security policies let a page load only resources of this server. GraphiQL also needs inline styles, and fonts and images
// from data: URLs in its style sheets. Inline scripts are never allowed.
const (
	closed         = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'self'; connect-src 'self'"
	consolePolicy  = closed + "; style-src 'self'; font-src 'self'; img-src 'self'"
	graphiqlPolicy = closed + "; worker-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:"
)

// GraphiQL returns the handler of the page for exploring the API.
func GraphiQL(s Settings) (http.Handler, error) { return page("graphiql.html", graphiqlPolicy, s) }

// Console returns the handler of the page for watching groups.
func Console(s Settings) (http.Handler, error) { return page("console.html", consolePolicy, s) }

// page returns a handler for one page that contains the settings. It fails if the embedded page has no place for them.
func page(name, policy string, s Settings) (http.Handler, error) {
	text, err := expand(name)
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(s) // escapes <, > and &
	if err != nil {
		return nil, err
	}
	const data = `<script type="application/json" id="settings">`
	if !bytes.Contains(text, []byte(data+"{}")) {
		return nil, fmt.Errorf("web: %s has no place for settings", name)
	}
	text = bytes.Replace(text, []byte(data+"{}"), append([]byte(data), encoded...), 1)
	below := bytes.ReplaceAll(text, []byte(`="./`), []byte(`="../`)) // the same links, seen from a path that ends with a slash
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache") // names the assets of this build
		body := text
		if strings.HasSuffix(r.URL.Path, "/") {
			body = below
		}
		_, _ = w.Write(body) // fails only if the client is gone; so below
	}), nil
}

// Licenses returns the handler of the licenses of the packages that the pages contain.
func Licenses() (http.Handler, error) {
	text, err := expand("licenses.md")
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(text)
	}), nil
}
