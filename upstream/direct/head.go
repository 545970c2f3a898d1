package direct

import (
	"bufio"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// known reports whether the first lines of a request are plain to write: its host is an address or in ASCII, and the only one that is named.
func known(req *http.Request) bool {
	u := req.URL
	return u != nil && ports[u.Scheme] != "" && u.Hostname() != "" && httpguts.ValidHostHeader(u.Host) && !strings.Contains(u.Host, "%") &&
		(req.Host == "" || req.Host == u.Host) && u.Opaque == "" && httpguts.ValidHeaderFieldValue(u.RawQuery) && !req.Close && req.Trailer == nil
}

// sendable reports whether a header is right, and has nothing of what HTTP itself says there.
func sendable(h http.Header) bool {
	for name, values := range h {
		switch name {
		case "Host", "Connection", "Upgrade", "Te", "Trailer", "Transfer-Encoding", "Content-Length":
			return false
		case "User-Agent":
			if len(values) != 1 || values[0] == "" {
				return false // net/http has rules of its own for these
			}
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return false
			}
		}
	}
	return h != nil
}

// writeHead writes a request that is known and whose header is sendable: there is nothing left to judge, which takes net/http ten times as long as
// the writing. A failure is that of the next Flush.
func writeHead(w *bufio.Writer, req *http.Request) {
	write := func(parts ...string) {
		for _, s := range parts {
			_, _ = w.WriteString(s)
		}
	}
	write("GET ", req.URL.RequestURI(), " HTTP/1.1\r\nHost: ", req.URL.Host, "\r\n")
	if req.Header["User-Agent"] == nil {
		write("User-Agent: Go-http-client/1.1\r\n")
	}
	for name, values := range req.Header {
		for _, value := range values {
			write(name, ": ", value, "\r\n")
		}
	}
	write("\r\n")
}
