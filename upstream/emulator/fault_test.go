package emulator_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/inprocess"
)

func TestFaultsWithErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault emulator.Fault
		after emulator.RetryAfter
		check func(response) bool
	}{
		{"service", emulator.Fault{Status: 500, Code: "AS.0001"}, 0, func(a response) bool { return a.Error.Code == "AS.0001" && a.ErrorCode == "" }},
		{"gateway", emulator.Fault{Status: 502, Code: "APIG.0201"}, 0, func(a response) bool {
			return a.ErrorCode == "APIG.0201" && a.RequestID == a.header.Get("X-Request-Id")
		}},
		{"old gateway", emulator.Fault{Status: 401, Code: "APIGW.0301"}, 0, func(a response) bool { return a.ErrorCode == "APIGW.0301" }},
		{"flat", emulator.Fault{Status: 400, Code: "AS.2007", Shape: emulator.ShapeFlat}, 0, func(a response) bool { return a.ErrorCode == "AS.2007" && a.RequestID == "" }},
		{"nested gateway code", emulator.Fault{Status: 400, Code: "APIG.1", Shape: emulator.ShapeAS}, 0, func(a response) bool { return a.Error.Code == "APIG.1" }},
		{"AS code of the gateway", emulator.Fault{Status: 400, Code: "AS.1", Shape: emulator.ShapeGateway}, 0, func(a response) bool { return a.ErrorCode == "AS.1" && a.RequestID != "" }},
		{"IAM", emulator.Fault{Status: 401, Shape: emulator.ShapeIAM, Message: "m"}, 0, func(a response) bool {
			return string(a.raw) == `{"error":{"code":401,"message":"m","title":"Unauthorized"}}`
		}},
		{"proxy", emulator.Fault{Status: 503, Shape: emulator.ShapeHTML}, 0, func(a response) bool {
			return a.header.Get("Content-Type") == "text/html" && strings.Contains(string(a.raw), "503 Service Unavailable")
		}},
		{"nothing", emulator.Fault{Status: 504, Shape: emulator.ShapeEmpty}, 0, func(a response) bool { return len(a.raw) == 0 }},
		{"throttled", emulator.Throttled(0), 0, func(a response) bool { return a.ErrorCode == "APIG.0308" && a.header.Get("Retry-After") == "" }},
		{"throttled, told when", emulator.Throttled(1500 * time.Millisecond), 0, func(a response) bool { return a.header.Get("Retry-After") == "2" }},
		{"throttled, as switched", emulator.Throttled(0), emulator.RetryAfterSeconds, func(a response) bool { return a.header.Get("Retry-After") == "1" }},
		{"throttled, a date", emulator.Throttled(time.Minute), emulator.RetryAfterDate, func(a response) bool {
			at, err := http.ParseTime(a.header.Get("Retry-After"))
			return err == nil && time.Until(at) > 50*time.Second && time.Until(at) < 70*time.Second
		}},
		{"down, told when", emulator.Fault{Status: 503, Code: "APIG.0613", RetryAfter: time.Second}, emulator.RetryAfterSeconds, func(a response) bool { return a.header.Get("Retry-After") == "1" }},
		{"down, as switched", emulator.Fault{Status: 503}, emulator.RetryAfterSeconds, func(a response) bool { return a.header.Get("Retry-After") == "" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, emulator.Switches{RetryAfter: c.after})
			b.Fault(emulator.Times(1, c.fault))
			a := b.get("")
			if a.status != c.fault.Status || !c.check(a) || !hex32.MatchString(a.header.Get("X-Request-Id")) {
				t.Errorf("%d %v %s", a.status, a.header, a.raw)
			}
			if got := b.Requests()[0]; got.Status != c.fault.Status || got.Code != c.fault.Code || got.Seq != 0 {
				t.Errorf("recorded %+v", got)
			}
			if a := b.get(""); a.status != 200 {
				t.Errorf("the second request answers %d", a.status)
			}
		})
	}
}

func TestFaultsThatCorrupt(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.seed(30)
	broken := func(f emulator.Fault) (response, error) {
		b.Fault(emulator.Always(f))
		return b.try("GET", path, token)
	}
	if a, err := broken(emulator.Fault{Break: emulator.NotJSON}); err != nil || a.status != 200 || json.Valid(a.raw) {
		t.Errorf("not JSON: %v %s", err, a.raw)
	}
	if a, err := broken(emulator.Fault{Break: emulator.WrongShape}); err != nil || a.status != 200 || !json.Valid(a.raw) || len(a.Rows) != 0 {
		t.Errorf("wrong shape: %v %s", err, a.raw)
	}
	if a, err := broken(emulator.Fault{Break: emulator.TrailingGarbage}); err != nil || a.status != 200 || json.Valid(a.raw) || !strings.HasPrefix(string(a.raw), `{"limit":20`) {
		t.Errorf("trailing garbage: %v %s", err, a.raw)
	}
	if a, err := broken(emulator.Fault{Break: emulator.EmptyBody}); err != nil || a.status != 200 || len(a.raw) != 0 {
		t.Errorf("empty: %v %s", err, a.raw)
	}
	if a, err := broken(emulator.Fault{Break: emulator.CutOff}); !errors.Is(err, io.ErrUnexpectedEOF) || len(a.raw) == 0 {
		t.Errorf("cut off: %v after %d bytes", err, len(a.raw))
	}
	if _, err := broken(emulator.Fault{Break: emulator.CorruptEncoding}); !errors.Is(err, gzip.ErrHeader) {
		t.Errorf("corrupt encoding: %v", err)
	}
	if a, err := broken(emulator.Fault{Status: 500, Code: "AS.0001", Break: emulator.TrailingGarbage}); err != nil || a.status != 500 || json.Valid(a.raw) {
		t.Errorf("a garbled refusal: %d %v %s", a.status, err, a.raw)
	}
}

func TestBrokenConnections(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.Fault(emulator.Always(emulator.Fault{Break: emulator.ResetConnection}))
	if _, err := b.try("GET", path, token); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}
	b.Fault(emulator.Always(emulator.Fault{Break: emulator.CloseConnection}))
	if _, err := b.try("GET", path, token); !errors.Is(err, io.EOF) {
		t.Errorf("closed: %v", err)
	}
	b.Fault(nil)
	if a := b.get(""); a.status != 200 {
		t.Errorf("afterwards: %d", a.status)
	}
}

func TestHangEndsWithClient(t *testing.T) {
	for name, f := range map[string]emulator.Fault{
		"hang":          {Break: emulator.Hang},
		"delay":         {Delay: time.Hour},
		"late":          {Late: time.Hour},
		"delayed reset": {Delay: time.Hour, Break: emulator.ResetConnection},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, emulator.Switches{})
			b.Fault(emulator.Always(f))
			ctx, cancel := context.WithCancel(t.Context())
			b.OnRequest(func(emulator.Request) { cancel() })
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = b.client.Do(req); !errors.Is(err, context.Canceled) {
				t.Errorf("the response to a client that hung up: %v", err)
			}
		})
	}
}

// TestServeAbortsHangingRequests leaves a request hanging; Serve's cleanup has to end it, or the test never does.
func TestServeAbortsHangingRequests(t *testing.T) {
	failed := make(chan error, 1)
	t.Run("inner", func(t *testing.T) {
		e := emulator.New(emulator.Switches{})
		e.Fault(emulator.Always(emulator.Fault{Break: emulator.Hang}))
		arrived := make(chan struct{})
		e.OnRequest(func(emulator.Request) { close(arrived) })
		url, transport := serve(t, e), &http.Transport{DisableKeepAlives: true}
		go func() {
			req, _ := http.NewRequest(http.MethodGet, url+path, nil)
			_, err := transport.RoundTrip(req)
			failed <- err
		}()
		<-arrived
	})
	if err := <-failed; err == nil {
		t.Error("the hanging request was answered")
	}
}

func TestDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Switches{Access: emulator.AccessOpen})
		e.AddGroup(project, group)
		ask := func(f emulator.Fault) (total int, took time.Duration) {
			e.Fault(emulator.Always(f))
			go func() {
				time.Sleep(time.Second)
				e.Insert(project, group, emulator.Row{Status: emulator.Success, Start: time.Now()})
			}()
			began := time.Now()
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://e"+path, nil)
			res, err := e.Transport().RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			var a response
			if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
				t.Fatal(err)
			}
			took = time.Since(began)
			time.Sleep(time.Minute)
			return a.Total, took
		}
		if total, took := ask(emulator.Fault{Delay: 2 * time.Second}); total != 1 || took != 2*time.Second {
			t.Errorf("delayed before: total %d after %v", total, took)
		}
		if total, took := ask(emulator.Fault{Late: 2 * time.Second}); total != 1 || took != 2*time.Second {
			t.Errorf("delayed behind: total %d after %v", total, took)
		}
	})
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inMemory(t, emulator.Switches{})
		b.Fault(emulator.RateLimit(2, time.Minute, time.Second))
		for i, want := range []int{200, 200, 429, 429, 200, 200, 429} {
			if i == 4 {
				time.Sleep(time.Minute)
			}
			if a := b.get(""); a.status != want || want == 429 && a.header.Get("Retry-After") != "1" {
				t.Errorf("request %d: %d, want %d", i, a.status, want)
			}
		}
	})
}

func TestForGroup(t *testing.T) {
	b := inMemory(t, emulator.Switches{})
	b.AddGroup(project, "g2")
	b.Fault(emulator.ForGroup("g2", emulator.Fault{Status: 503, Code: "APIG.0613"}))
	if a := b.get(""); a.status != 200 {
		t.Errorf("a group without a fault: %d", a.status)
	}
	if a := b.do("GET", "/autoscaling-api/v2/p1/scaling_activity_log/g2", token); a.status != 503 {
		t.Errorf("a group with one: %d", a.status)
	}
}

func TestInProcess(t *testing.T) {
	e := emulator.New(emulator.Switches{})
	e.AddGroup(project, group)
	e.AddToken(token)
	e.Insert(project, group, emulator.Row{ID: emulator.ID(1), Status: emulator.Success, Start: t0})
	ask := func(ctx context.Context) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://e"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Auth-Token", token)
		res, err := e.Transport().RoundTrip(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		return io.ReadAll(res.Body)
	}
	if body, err := ask(t.Context()); err != nil || !bytes.Contains(body, []byte(emulator.ID(1))) {
		t.Errorf("%v %s", err, body)
	}
	e.Fault(emulator.Always(emulator.Fault{Break: emulator.CutOff}))
	if body, err := ask(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 {
		t.Errorf("cut off: %v after %d bytes", err, len(body))
	}
	e.Fault(emulator.Always(emulator.Fault{Break: emulator.ResetConnection}))
	if _, err := ask(t.Context()); !errors.Is(err, inprocess.ErrConnection) {
		t.Errorf("reset: %v", err)
	}
	e.Fault(emulator.Always(emulator.Fault{Break: emulator.Hang}))
	ctx, cancel := context.WithCancel(t.Context())
	e.OnRequest(func(emulator.Request) { cancel() })
	if _, err := ask(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("hang: %v", err)
	}
}

func TestCompression(t *testing.T) {
	b := start(t, emulator.Switches{})
	b.seed(50)
	plain := b.do("GET", path, token, "Accept-Encoding", "identity")
	for accepts, want := range map[string]bool{"gzip": true, "deflate, gzip;q=0.5": true, "*": true, "GZIP": true, "gzip;q=0": false, "br": false} {
		a := b.do("GET", path, token, "Accept-Encoding", accepts)
		if zipped := a.header.Get("Content-Encoding") == "gzip"; zipped != want {
			t.Errorf("%s: compressed is %v", accepts, zipped)
			continue
		}
		if want {
			r, err := gzip.NewReader(bytes.NewReader(a.raw))
			if err != nil {
				t.Fatal(err)
			}
			if a.raw, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(a.raw, plain.raw) {
			t.Errorf("%s: another body", accepts)
		}
	}
	never := start(t, emulator.Switches{Compression: emulator.GzipNever})
	never.seed(50)
	if a := never.do("GET", path, token, "Accept-Encoding", "gzip"); a.header.Get("Content-Encoding") != "" {
		t.Error("compressed although it never should")
	}
}
