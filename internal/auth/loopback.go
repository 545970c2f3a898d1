package auth

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// OwnOnly lets only requests in that were meant for this server, which listens at a loopback address: where the keys sign for
// whoever reaches that, a page of the web that a browser on this machine shows must not (its scripts have an origin, and a name
// that its owner lets point here stands in Host). Others are refused with 421 or 403, and h does not see them.
func OwnOnly(h http.Handler, at net.Addr) http.Handler {
	_, port, _ := net.SplitHostPort(at.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isOwn(r.Host, port):
			refuse(w, http.StatusMisdirectedRequest, "BAD_USER_INPUT", "This server answers under the loopback address alone.")
		case !ownSite(r.Header.Get("Sec-Fetch-Site")), !allOwn(r.Header.Values("Origin"), port):
			refuse(w, http.StatusForbidden, "FORBIDDEN", "This server answers no scripts of other origins.")
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// IsLoopback reports whether a host, a name in lower case or an address, can only be this machine.
func IsLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// isOwn reports whether host is a name of this machine alone, with the port that we listen on.
func isOwn(host, port string) bool {
	name, given, err := net.SplitHostPort(host)
	if err != nil {
		name, given = strings.Trim(host, "[]"), "80"
	}
	return given == port && IsLoopback(strings.ToLower(name))
}

// ownSite reports whether Sec-Fetch-Site lets a request in. Browsers send it with every request, also with those that have no Origin, such as
// images and links; other clients do not send it. "same-site" is another port of this machine.
func ownSite(site string) bool { return site == "" || site == "none" || site == "same-origin" }

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

// refuse answers with one error in the form that GraphQL clients read.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{ // fails only where the caller has gone
		"message": message, "extensions": map[string]any{"code": code, "retryable": false},
	}}})
}
