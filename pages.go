package main

import (
	_ "embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
)

//go:embed graph/schema.graphqls
var sdl string

// schema answers /schema.graphql.
func schema(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, sdl) // fails only where the caller has gone; so below
}

// front answers /.
func front(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "scalegraph: the activity log of Huawei Cloud AutoScaling as a GraphQL API\n\n"+
		"/graphql         queries, by POST or GET\n"+
		"/schema.graphql  the schema\n"+
		"/readyz          whether it can serve, and the state of its parts\n"+
		"/healthz         whether it lives\n")
}

// sampleGroup is the demo's group with the two activities of the API document.
const sampleGroup = "e5d27f5c-dd76-4a61-b4bc-a67c5686719a"

// greet tells a person where the server listens, and a query to paste.
func greet(out io.Writer, cfg Config, at net.Addr) error {
	base, group, credential := "http://"+reachable(at), sampleGroup, ""
	if !cfg.Demo() {
		group, credential = "<group id>", ` -H "X-Auth-Token: $TOKEN"`
	}
	_, err := fmt.Fprintf(out, `scalegraph listens on %[1]s
  GraphQL  %[1]s/graphql
  schema   %[1]s/schema.graphql

Try:
  curl -s %[1]s/graphql -H 'Content-Type: application/json'%[3]s -d '{"query":"{ scalingGroup(groupId: \"%[2]s\") { activities(first: 5) { totalCount nodes { logId type status startTime } } } }"}'
`, base, group, credential)
	return err
}

// reachable returns the address to connect to: a listener on all interfaces is reached by loopback.
func reachable(at net.Addr) string {
	address, err := netip.ParseAddrPort(at.String())
	if err != nil || !address.Addr().IsUnspecified() {
		return at.String()
	}
	return fmt.Sprintf("localhost:%d", address.Port())
}
