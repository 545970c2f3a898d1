// Package web serves the pages that people open in a browser, with all they need, from the program itself. What it serves is built
// from the sources beside it (npm run build) and kept compressed in dist/, so that the program builds without Node.js.
package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// Settings are what the server tells its pages. They are public. The zero Settings are those of a server that tells nothing.
type Settings struct {
	Token  string  `json:"token,omitempty"` // stands for a credential where the upstream is the demo
	Groups []Group `json:"groups,omitempty"`
}

// Group is a group for a newcomer to begin with.
type Group struct {
	ID   string `json:"groupId"`
	Name string `json:"name,omitempty"`
}

// The policies say what a page may load: what comes from this server. The editors of GraphiQL write styles into the page and have
// fonts and pictures in their style sheets; scripts are never allowed inline.
const (
	closed         = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'self'; connect-src 'self'"
	consolePolicy  = closed + "; style-src 'self'; font-src 'self'; img-src 'self'"
	graphiqlPolicy = closed + "; worker-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:"
)

// GraphiQL serves the page at which people explore the API.
func GraphiQL(s Settings) (http.Handler, error) { return page("graphiql.html", graphiqlPolicy, s) }

// Console serves the page at which people watch groups.
func Console(s Settings) (http.Handler, error) { return page("console.html", consolePolicy, s) }

// page returns a handler for one page, with the settings written into it.
func page(name, policy string, s Settings) (http.Handler, error) {
	text, err := expand(name)
	if err != nil {
		return nil, err
	}
	told, err := json.Marshal(s) // escapes <, > and &
	if err != nil {
		return nil, err
	}
	const data = `<script type="application/json" id="settings">`
	if !bytes.Contains(text, []byte(data+"{}")) {
		return nil, fmt.Errorf("web: %s has no place for settings", name)
	}
	text = bytes.Replace(text, []byte(data+"{}"), append([]byte(data), told...), 1)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache") // names the assets of this build
		_, _ = w.Write(text)                        // fails only where the caller has gone; so below
	}), nil
}

// Licenses answers with those of what the pages are made from.
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
