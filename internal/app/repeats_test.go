package app

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// wire is a connection to a program that is spoken to in bytes.
type wire struct {
	*testing.T
	*server
	net.Conn
	answers *bufio.Reader
	asked   int
}

func (s *server) wire(t *testing.T) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &wire{t, s, conn, bufio.NewReader(conn), 0}
}

// ask posts the count of the group's rows and reads the answer.
func (w *wire) ask(headers ...string) reply {
	w.Helper()
	const body = `{"query":"{scalingGroup(groupId:\"` + testGroup + `\"){activities{totalCount}}}"}`
	_ = w.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(w, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
		len(body), strings.Join(append(headers, ""), "\r\n"), body); err != nil {
		w.Fatal(err)
	}
	resp, err := http.ReadResponse(w.answers, nil)
	if err != nil {
		w.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	w.asked++
	return reply{resp, string(text)}
}

// logged returns the line in the log of the last request. It is written behind the answer.
func (w *wire) logged() string {
	w.Helper()
	eventually(w.T, "the last line", func() bool { return len(w.posts()) == w.asked })
	return w.posts()[w.asked-1]
}

func (w *wire) posts() (lines []string) {
	for line := range strings.Lines(w.logs.String()) {
		if strings.Contains(line, `"method":"POST"`) {
			lines = append(lines, line)
		}
	}
	return lines
}

// told is all that is told of one request, but for times and its id.
type told struct {
	Body   string
	Header http.Header
	Log    map[string]any
	Counts map[string]float64 // by how much they rose, without how the answer was found
}

// watched asks, and returns what was told of it, the id of the request, and how the answer was found.
func (w *wire) watched(headers ...string) (is told, id, by string) {
	w.Helper()
	before := w.metrics()
	got := w.ask(headers...)
	line := w.logged()
	is = told{Body: got.body, Header: got.Header, Counts: w.metrics()}
	for name := range is.Counts {
		is.Counts[name] -= before[name]
	}
	for _, by = range []string{"request", "bytes"} {
		if series := `scalegraph_answers_again_total{by="` + by + `"}`; is.Counts[series] == 1 {
			delete(is.Counts, series)
			break
		}
	}
	maps.DeleteFunc(is.Counts, func(_ string, by float64) bool { return by == 0 })
	if err := json.Unmarshal([]byte(line), &is.Log); err != nil {
		w.Fatal(err)
	}
	if id = got.Header.Get("X-Request-Id"); is.Log["requestId"] != id {
		w.Errorf("request %q is %q in the log", id, is.Log["requestId"])
	}
	for _, changing := range []string{"time", "duration", "requestId"} {
		delete(is.Log, changing)
	}
	is.Header.Del("Date")
	is.Header.Del("X-Request-Id")
	return is, id, by
}

// metrics are those of ours that do not go by time.
func (w *wire) metrics() map[string]float64 {
	w.Helper()
	all := series(w.T, w.do(w.T, http.MethodGet, "/metrics", "").body)
	maps.DeleteFunc(all, func(name string, _ float64) bool {
		return !strings.HasPrefix(name, "scalegraph_") || strings.Contains(name, "_seconds")
	})
	return all
}

// An answer that is given again by the bytes of its request tells the client, the log and the metrics the same as one that is given again by
// what was asked.
func TestRepeatsAreAsOthers(t *testing.T) {
	_, signed, _ := signedUpstream(t, "console key-of-console "+testProject+"\n")
	_, url := newUpstream(t)
	plain := []string{"-upstream", url, "-project", testProject}
	const token, longest = "X-Auth-Token: " + testToken, "@-_.:/+=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for _, c := range []struct {
		name    string
		args    []string
		headers []string
		id      string // kept; empty: each request has one of its own
	}{
		{"plain", plain, []string{token}, ""},
		{"with an id", plain, []string{token, "X-Request-Id: mine"}, "mine"},
		{"with an odd id", plain, []string{token, "X-Request-Id: " + longest}, longest},
		{"with an id of another form", plain, []string{token, "X-Request-Id: a b"}, ""},
		{"traced by the client", plain, []string{token, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, ""},
		{"of a script", append(plain, "-cors-origins=http://here"), []string{token, "Origin: http://here"}, ""},
		{"of a foreign script", append(plain, "-cors-origins=http://here"), []string{token, "Origin: http://there"}, ""},
		{"limited", append(plain, "-caller-cost=1000"), []string{token}, ""},
		{"of a caller with a name", signed, []string{"Authorization: Bearer key-of-console"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := startServer(t, append([]string{"-log=json"}, c.args...)...).wire(t)
			for range 5 {
				w.ask(c.headers...)
			}
			again, id, by := w.watched(c.headers...)
			other, otherID, otherBy := w.watched(append(c.headers, "Other: bytes")...)
			if by != "bytes" || otherBy != "request" {
				t.Fatalf("found by %s, the other by %s", by, otherBy)
			}
			if !reflect.DeepEqual(again, other) {
				t.Errorf("told %v\nwant %v", again, other)
			}
			if c.id != "" && (id != c.id || otherID != c.id) || c.id == "" && id == otherID {
				t.Errorf("ids %q and %q, want %q", id, otherID, c.id)
			}
		})
	}
}

// Answers that are given again are paid for as others are, and who has spent all is told so.
func TestRepeatsArePaidFor(t *testing.T) {
	_, url := newUpstream(t)
	for mode, refused := range map[string]bool{"enforce": true, "measure": false} {
		t.Run(mode, func(t *testing.T) {
			w := startServer(t, "-upstream", url, "-project", testProject, "-caller-cost=440", "-caller-cost-mode", mode).wire(t)
			limited := 0
			for range 80 { // each costs 22
				switch got := w.ask("X-Auth-Token: " + testToken); got.StatusCode {
				case http.StatusOK:
				case http.StatusTooManyRequests:
					limited++
				default:
					t.Fatal(got.StatusCode, got.body)
				}
			}
			counts := w.metrics()
			over := int(counts[`scalegraph_limited_total{mode="`+mode+`"}`])
			if over < 50 || over > 60 || limited != map[bool]int{true: over, false: 0}[refused] || counts[`scalegraph_answers_again_total{by="bytes"}`] < 10 {
				t.Errorf("%d were over the limit, %d refused: %v", over, limited, counts)
			}
		})
	}
}

// A key that is taken away ends what it was answered.
func TestARepeatEndsWithTheKey(t *testing.T) {
	_, args, file := signedUpstream(t, "console key-of-console "+testProject+"\n")
	w := startServer(t, args...).wire(t)
	for range 5 {
		w.ask("Authorization: Bearer key-of-console")
	}
	if n := w.metrics()[`scalegraph_answers_again_total{by="bytes"}`]; n == 0 {
		t.Fatal("no answer was given again")
	}
	if err := os.Rename(keysFile(t, "console key-of-others "+testProject+"\n"), file); err != nil {
		t.Fatal(err)
	}
	if got := w.ask("Authorization: Bearer key-of-console"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}
