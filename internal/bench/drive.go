package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// result holds the measurements of one load.
type result struct {
	Requests int `json:"requests"`
	Micros   int `json:"micros"`
	P50      int `json:"p50"` // of the latency, in microseconds, like P99
	P99      int `json:"p99"`
	Errors   int `json:"errors"`
}

func (r result) perSecond() float64 { return float64(r.Requests) / (float64(r.Micros) / 1e6) }

// load describes the requests to one server.
type load struct {
	url         string
	bodies      string // file with the bodies, see wrk/requests.lua
	connections int
	length      time.Duration
	seed        int
}

// drive loads a server with wrk.
func drive(ctx context.Context, l load) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, l.length+20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "wrk", "-t1", "-c"+strconv.Itoa(l.connections), "-d"+strconv.Itoa(int(l.length.Seconds()))+"s",
		"--timeout", "10s", "--latency", "-s", "internal/bench/wrk/requests.lua", l.url)
	cmd.Env = append(os.Environ(), "BENCH_BODIES="+l.bodies, "BENCH_TOKEN="+token, "BENCH_SEED="+strconv.Itoa(l.seed))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	return readResult(out)
}

// readResult parses the line of JSON that wrk/requests.lua writes at the end.
func readResult(out []byte) (result, error) {
	for line := range bytes.Lines(out) {
		if !bytes.HasPrefix(line, []byte(`{"requests"`)) {
			continue
		}
		var r result
		if err := json.Unmarshal(line, &r); err != nil {
			return r, err
		}
		if r.Errors > 0 || r.Requests == 0 {
			return r, fmt.Errorf("%d requests, %d failed", r.Requests, r.Errors)
		}
		return r, nil
	}
	return result{}, fmt.Errorf("wrk printed no result:\n%s", out)
}

// client has enough connections for all requests at once.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4000}}

// post sends one body and returns the response. A response with errors is an error.
func post(ctx context.Context, url, body string, headers ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", token)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Data   map[string]any
		Errors []any
	}
	if err := json.Unmarshal(text, &parsed); err != nil || resp.StatusCode != http.StatusOK || len(parsed.Errors) > 0 || len(parsed.Data) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s responds with %s: %.500s", url, resp.Status, text))
	}
	return text, nil
}
