package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"scalegraph/graph"
	"scalegraph/internal/config"
	"scalegraph/web"
)

// schemaText serves the schema as text.
func schemaText(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, graph.SDL) // fails only if the client has disconnected; also below
}

// addRoutes adds the console, the licenses and, if introspection is on, GraphiQL, which needs it.
func addRoutes(mux *http.ServeMux, cfg config.Config, demo *demoUpstream) error {
	licenses, err := web.Licenses()
	if err != nil {
		return err
	}
	icon, err := web.Icon()
	if err != nil {
		return err
	}
	settings := pageSettings(cfg, demo)
	console, err := web.Console(settings)
	if err != nil {
		return err
	}
	mux.Handle("GET /assets/", web.Assets())
	mux.Handle("GET /licenses", licenses)
	mux.Handle("GET /favicon.ico", icon)
	mux.Handle("GET /console", console)
	mux.Handle("GET /console/{$}", console)
	if !cfg.Introspection {
		mux.HandleFunc("GET /{$}", indexPage)
		return nil
	}
	graphiql, err := web.GraphiQL(settings)
	if err != nil {
		return err
	}
	mux.Handle("GET /graphiql", graphiql)
	mux.Handle("GET /graphiql/{$}", graphiql)
	mux.Handle("GET /{$}", toGraphiQL(cfg))
	return nil
}

// toGraphiQL redirects to GraphiQL: below the base path, or else by a relative location, which also holds if a proxy removes a prefix.
func toGraphiQL(cfg config.Config) http.Handler {
	location := "graphiql"
	if cfg.BasePath != "" {
		location = cfg.BasePath + "/graphiql"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
	})
}

// openedInBrowser reports whether /graphql was opened in the address bar of a browser: a GET without a query that prefers HTML.
func openedInBrowser(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.RawQuery == "" && strings.HasPrefix(r.Header.Get("Accept"), "text/html")
}

// withGraphiQL redirects browsers that open the endpoint to GraphiQL, if it is served.
func withGraphiQL(cfg config.Config, api http.Handler) http.Handler {
	if !cfg.Introspection {
		return api
	}
	redirect := toGraphiQL(cfg)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if openedInBrowser(r) {
			redirect.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// pageSettings returns the settings for the pages: the header for credentials and, for the demo, a token and groups.
func pageSettings(cfg config.Config, demo *demoUpstream) web.Settings {
	settings := demo.settings()
	if cfg.AuthenticatesCallers() {
		settings.Header = "Authorization"
	}
	return settings
}

// belowPath serves h below a path prefix. Paths without the prefix are served as they are, for proxies that remove it and for probes that go
// past the proxy.
func belowPath(prefix string, h http.Handler) http.Handler {
	if prefix == "" {
		return h
	}
	stripped := http.StripPrefix(prefix, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == prefix:
			http.Redirect(w, r, prefix+"/", http.StatusFound)
		case strings.HasPrefix(r.URL.Path, prefix+"/"):
			stripped.ServeHTTP(w, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// indexPage lists the paths. It is served at / if GraphiQL is not.
func indexPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "scalegraph: the activity log of Huawei Cloud AutoScaling as a GraphQL API\n\n"+
		"/graphql         queries, by POST or GET\n"+
		"/console         groups, their timeline and their feed\n"+
		"/schema.graphql  the schema\n"+
		"/readyz          whether it can serve, and the state of its parts\n"+
		"/healthz         whether it lives\n")
}

// printBanner prints the addresses of the server and an example request. demo is nil if the upstream is a real one.
func printBanner(out io.Writer, at net.Addr, cfg config.Config, demo *demoUpstream) error {
	base, group, credential, more := "http://"+dialAddress(at)+cfg.BasePath, "YOUR-GROUP-ID", curlCredential(cfg, demo), ""
	if demo != nil {
		groups := demo.groups()
		group = groups[0]
		more = "\nThis is the demo: the data are invented, and no cloud is reached. Set SCALEGRAPH_UPSTREAM to the base URL of an AutoScaling endpoint.\n" +
			"More groups of the demo:\n  " + strings.Join(groups[1:], "\n  ") + "\n"
	}
	_, err := fmt.Fprintf(out, `scalegraph listens on %[1]s
  GraphQL  %[1]s/graphql
  schema   %[1]s/schema.graphql
  browser  %[1]s/

Try:
  curl -sG %[1]s/graphql%[3]s --data-urlencode 'query={ scalingGroup(groupId: "%[2]s") { activities(first: 5) { totalCount nodes { logId type status startTime } } } }'
%[4]s`, base, group, credential, more)
	return err
}

// curlCredential returns the arguments of curl that send a credential; empty if none is needed.
func curlCredential(cfg config.Config, demo *demoUpstream) string {
	switch {
	case cfg.AuthenticatesCallers():
		return ` -H "Authorization: Bearer $KEY"`
	case cfg.Auth == config.AuthKeys, demo != nil:
		return ""
	}
	return ` -H "X-Auth-Token: $TOKEN"`
}

// dialAddress returns the address to connect to. For a listener on all interfaces that is localhost.
func dialAddress(at net.Addr) string {
	address, err := netip.ParseAddrPort(at.String())
	if err != nil || !address.Addr().IsUnspecified() {
		return at.String()
	}
	return fmt.Sprintf("localhost:%d", address.Port())
}
