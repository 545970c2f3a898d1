package direct

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestItDoesAsNetHTTPDoes holds what comes of an answer, well formed or not, against what the client of net/http makes of it.
func TestItDoesAsNetHTTPDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answer := drawAnswer(t)
		scheme := rapid.SampledFrom(schemes).Draw(t, "scheme")
		abrupt := rapid.Bool().Draw(t, "abrupt")
		under := stock()
		ours := New(under)
		theirs := under.Clone()
		defer ours.CloseIdleConnections()
		defer theirs.CloseIdleConnections()
		want, got := once(t, theirs, scheme, answer, abrupt), once(t, ours, scheme, answer, abrupt)
		if (got.err == nil) != (want.err == nil) || got.status != want.status || got.body != want.body {
			t.Fatalf("%q\ngot  %d %q %v\nwant %d %q %v", answer, got.status, got.body, got.err, want.status, want.body, want.err)
		}
		if fmt.Sprint(got.header) != fmt.Sprint(want.header) {
			t.Fatalf("%q\ngot  %v\nwant %v", answer, got.header, want.header)
		}
	})
}

func once(t *rapid.T, c http.RoundTripper, scheme, answer string, abrupt bool) result {
	s := serve(t, scheme, func(c net.Conn, r *bufio.Reader) {
		sayingOnce(answer)(c, r)
		if abrupt {
			abort(c)
		}
	})
	return get(context.Background(), c, s.url)
}

// drawAnswer draws an answer that is right, or has a part that is wrong, or is cut off.
func drawAnswer(t *rapid.T) string {
	body := rapid.StringN(0, 40, 200).Draw(t, "body")
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "", "", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 199 X\r\nA: b\r\n\r\n"}).Draw(t, "before"))
	b.WriteString(rapid.SampledFrom([]string{
		"HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.0 200 OK", "HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified",
		"HTTP/1.1 200", "HTTP/1.1 2000 OK", "HTTP/1.1 099 X", "HTTP/2.0 200 OK", "HTTP/1.1", "HTP/1.1 200 OK", "http/1.1 200 OK", "",
	}).Draw(t, "status line"))
	b.WriteString("\r\n")
	for _, header := range rapid.SliceOfN(rapid.SampledFrom([]string{
		"A: b", "a:  c ", "Connection: close", "Connection: keep-alive", "Pragma: no-cache", "X: \xff", "Content-Encoding: gzip", " folded", "no colon", "B@d: x", ": x",
		"Content-Length: -1", "Content-Length: 3", "Content-Length: 3, 3", "Transfer-Encoding: identity",
	}), 0, 2).Draw(t, "headers") {
		b.WriteString(header + "\r\n")
	}
	switch rapid.IntRange(0, 3).Draw(t, "framing") {
	case 0:
		b.WriteString("Transfer-Encoding: chunked\r\n")
		body = fmt.Sprintf("%x\r\n%s\r\n%s", len(body), body, rapid.SampledFrom([]string{"0\r\n\r\n", "0\r\nA: b\r\n\r\n", "0\r\n", "x\r\n", ""}).Draw(t, "last chunk"))
	case 1:
		// until the connection is closed
	default:
		fmt.Fprintf(&b, "Content-Length: %d\r\n", max(0, len(body)+rapid.SampledFrom([]int{0, 0, 0, 1, -1}).Draw(t, "off by")))
	}
	b.WriteString("\r\n" + body)
	text := b.String()
	if rapid.IntRange(0, 4).Draw(t, "cut") == 0 {
		text = text[:rapid.IntRange(0, len(text)).Draw(t, "at")]
	}
	return text
}
