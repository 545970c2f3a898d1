package main

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// guarded keeps strangers out where callers need not prove who they are and our keys sign for them.
func guarded(h http.Handler, cfg Config, at net.Addr) http.Handler {
	if cfg.Auth != authKeys || cfg.Callers() {
		return h
	}
	return ownOnly(h, at)
}

// ownOnly lets only requests in that were meant for this server: where the keys sign for whoever reaches the loopback address, a
// page of the web that a browser on this machine shows must not (its scripts have an origin, and a name that its owner lets
// point here stands in Host).
func ownOnly(h http.Handler, at net.Addr) http.Handler {
	_, port, _ := net.SplitHostPort(at.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isOwn(r.Host, port):
			refuseJSON(w, http.StatusMisdirectedRequest, "BAD_USER_INPUT", "This server answers under the loopback address alone.")
		case !allOwn(r.Header.Values("Origin"), port):
			refuseJSON(w, http.StatusForbidden, "FORBIDDEN", "This server answers no scripts of other origins.")
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// isOwn reports whether host is a name of this machine alone, with the port that we listen on.
func isOwn(host, port string) bool {
	name, given, err := net.SplitHostPort(host)
	if err != nil {
		name, given = strings.Trim(host, "[]"), "80"
	}
	return given == port && isLoopback(strings.ToLower(name))
}

// allOwn reports whether all origins (there should be one or none) are pages of ours.
func allOwn(origins []string, port string) bool {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || !isOwn(u.Host, port) {
			return false
		}
	}
	return true
}

// refuseJSON answers with one error in the form that GraphQL clients read.
func refuseJSON(w http.ResponseWriter, status int, code, message string) {
	answerJSON(w, status, map[string]any{"errors": []any{map[string]any{
		"message": message, "extensions": map[string]any{"code": code, "retryable": false},
	}}})
}
