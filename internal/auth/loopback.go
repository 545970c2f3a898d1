package auth

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// LoopbackOnly protects a handler that listens at a loopback address and needs no credentials against web pages in a browser on this
// machine. It rejects requests with a Host other than this address with 421, against DNS rebinding, and requests of scripts and
// elements of other origins with 403.
func LoopbackOnly(h http.Handler, at net.Addr) http.Handler {
	_, port, _ := net.SplitHostPort(at.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isLoopbackHost(r.Host, port):
			writeError(w, http.StatusMisdirectedRequest, "BAD_USER_INPUT", "This server is reachable only at its loopback address.")
		case !isOwnSite(r.Header.Get("Sec-Fetch-Site")), !loopbackOrigins(r.Header.Values("Origin"), port):
			writeError(w, http.StatusForbidden, "FORBIDDEN", "Requests from pages of other origins are not allowed.")
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// KnownHosts passes requests to h whose Host is an IP address, localhost, or one of the names in lower case, with any port. Others get 421, and
// cross-site requests of browsers that are no navigation get 403. A page could otherwise reach an internal address by a name that its owner
// points there.
func KnownHosts(h http.Handler, names []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.ToLower(hostName(r.Host))
		_, err := netip.ParseAddr(name)
		switch {
		case err != nil && name != "localhost" && !slices.Contains(names, name):
			writeError(w, http.StatusMisdirectedRequest, "BAD_USER_INPUT", "The host name of the request is not configured for this server.")
		case !isOwnSite(r.Header.Get("Sec-Fetch-Site")) && r.Header.Get("Sec-Fetch-Mode") != "navigate":
			writeError(w, http.StatusForbidden, "FORBIDDEN", "Requests from pages of other origins are not allowed.")
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// hostName returns a Host without its port and without the brackets of an IPv6 address.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// IsLoopback reports whether a host, a name in lower case or an address, can only be this machine.
func IsLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// isLoopbackHost reports whether a Host header names the loopback interface and the given port.
func isLoopbackHost(host, port string) bool {
	name, given, err := net.SplitHostPort(host)
	if err != nil {
		name, given = strings.Trim(host, "[]"), "80"
	}
	return given == port && IsLoopback(strings.ToLower(name))
}

// isOwnSite reports whether a Sec-Fetch-Site header allows the request. Browsers send the header with every request, also with requests
// without an Origin, such as those of images and links. Other clients do not send it. "same-site" is another port of this machine.
func isOwnSite(site string) bool { return site == "" || site == "none" || site == "same-origin" }

// loopbackOrigins reports whether all values of the Origin header, normally at most one, are origins of this server.
func loopbackOrigins(origins []string, port string) bool {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || !isLoopbackHost(u.Host, port) {
			return false
		}
	}
	return true
}

// writeError writes a GraphQL response with one error.
func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{ // fails only if the client has disconnected
		"message": message, "extensions": map[string]any{"code": code, "retryable": false},
	}}})
}
