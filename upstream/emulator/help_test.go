package emulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

const (
	project = "p1"
	group   = "g1"
	token   = "token-of-p1"
)

// t0 is the start of the oldest row that the tests insert.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(second int) time.Time { return t0.Add(time.Duration(second) * time.Second) }

// bench is an emulator with one empty group, one token and a client.
type bench struct {
	t *testing.T
	*emulator.Emulator
	url    string
	client *http.Client
}

func start(t *testing.T, sw emulator.Switches) *bench {
	t.Helper()
	e := emulator.New(sw)
	e.AddGroup(project, group)
	e.AddToken(token, project)
	return &bench{t, e, serve(t, e), client(t)}
}

// inMemory is start without a socket.
func inMemory(t *testing.T, sw emulator.Switches) *bench {
	e := emulator.New(sw)
	e.AddGroup(project, group)
	e.AddToken(token, project)
	return &bench{t, e, "http://emulator", &http.Client{Transport: e.Transport()}}
}

func serve(t *testing.T, e *emulator.Emulator) string { return emulatortest.Serve(t, e) }

func client(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// response is a decoded response.
type response struct {
	status int
	header http.Header
	raw    []byte
	Limit  int              `json:"limit"`
	Rows   []map[string]any `json:"scaling_activity_log"`
	Total  int              `json:"total_number"`
	Start  int              `json:"start_number"`
	Error  struct {
		Code any `json:"code"`
	} `json:"error"`
	ErrorCode string `json:"error_code"`
	RequestID string `json:"request_id"`
}

func (a response) code() any {
	if a.ErrorCode != "" {
		return a.ErrorCode
	}
	return a.Error.Code
}

func (a response) ids() []string {
	ids := []string{}
	for _, row := range a.Rows {
		ids = append(ids, row["id"].(string))
	}
	return ids
}

const path = "/autoscaling-api/v2/" + project + "/scaling_activity_log/" + group

func (b *bench) get(query string) response {
	b.t.Helper()
	return b.do(http.MethodGet, path+"?"+query, token)
}

func (b *bench) do(method, target, token string, headers ...string) response {
	b.t.Helper()
	a, err := b.try(method, target, token, headers...)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func (b *bench) try(method, target, token string, headers ...string) (response, error) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("X-Auth-Token", token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	a := response{status: res.StatusCode, header: res.Header}
	if a.raw, err = io.ReadAll(res.Body); err != nil {
		return a, err
	}
	_ = json.Unmarshal(a.raw, &a) // the body need not be JSON
	return a, nil
}

func matches(pattern string, text []byte) bool { return regexp.MustCompile(pattern).Match(text) }
