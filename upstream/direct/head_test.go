package direct

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestHeadsAreWrittenAsByNetHTTP has both written and read again: what we do not leave to net/http says the same.
func TestHeadsAreWrittenAsByNetHTTP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		url := rapid.SampledFrom([]string{"http://h", "http://h:8080/", "https://[::1]:1/a", "http://[fe80::1%25en0]/"}).Draw(t, "base") +
			rapid.SampledFrom([]string{"", "/a/b", "/a%2Fb/%C3%A9", "?", "/x?limit=1&type=A%2CB", "/é?ü"}).Draw(t, "path")
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			return
		}
		req.URL.RawQuery += rapid.SampledFrom([]string{"", "\r\nA: b"}).Draw(t, "more")
		req.Host = rapid.SampledFrom([]string{req.Host, "", "elsewhere"}).Draw(t, "host")
		for _, name := range rapid.SliceOfN(rapid.SampledFrom([]string{"A", "User-Agent", "X-Auth-Token", "Host", "Connection", "B@d", "Content-Length"}), 0, 4).Draw(t, "names") {
			req.Header.Add(name, rapid.SampledFrom([]string{"x", "", " y ", "a\r\nB: c", "\x00", "ü"}).Draw(t, "value"))
		}
		if !known(req) || !sendable(req.Header) {
			return
		}
		var ours, theirs bytes.Buffer
		w := bufio.NewWriter(&ours)
		writeHead(w, req)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := req.Write(&theirs); err != nil {
			t.Fatalf("%q: net/http refuses it: %v", ours.String(), err)
		}
		got, want := read(t, &ours), read(t, &theirs)
		if got.RequestURI != want.RequestURI || got.Host != want.Host || !reflect.DeepEqual(got.Header, want.Header) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func read(t *rapid.T, b *bytes.Buffer) *http.Request {
	text := b.String()
	req, err := http.ReadRequest(bufio.NewReader(b))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return req
}
