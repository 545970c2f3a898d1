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

// result is what a load of some seconds showed.
type result struct {
	Requests int           `json:"requests"`
	Micros   int           `json:"micros"`
	P50      int           `json:"p50"` // of the latency, in microseconds; so P99
	P99      int           `json:"p99"`
	Errors   int           `json:"errors"`
	Length   time.Duration `json:"-"`
}

func (r result) perSecond() float64 { return float64(r.Requests) / (float64(r.Micros) / 1e6) }

// load is what is asked of one server.
type load struct {
	url         string
	bodies      string // file with the bodies, see wrk/ask.lua
	connections int
	length      time.Duration
	seed        int
}

// drive loads a server with wrk.
func drive(ctx context.Context, l load) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, l.length+20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "wrk", "-t1", "-c"+strconv.Itoa(l.connections), "-d"+strconv.Itoa(int(l.length.Seconds()))+"s",
		"--timeout", "10s", "--latency", "-s", "internal/bench/wrk/ask.lua", l.url)
	cmd.Env = append(os.Environ(), "BENCH_BODIES="+l.bodies, "BENCH_TOKEN="+token, "BENCH_SEED="+strconv.Itoa(l.seed))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	return readResult(out)
}

// readResult reads the line of JSON that wrk/ask.lua writes in the end.
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
	return result{}, fmt.Errorf("wrk said nothing of its result:\n%s", out)
}

// ask sends one body and returns the answer, which must be one without errors.
func ask(ctx context.Context, url, body string, headers ...string) ([]byte, error) {
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
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Data   map[string]any
		Errors []any
	}
	if err := json.Unmarshal(answer, &parsed); err != nil || resp.StatusCode != http.StatusOK || len(parsed.Errors) > 0 || len(parsed.Data) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s answers %s: %.500s", url, resp.Status, answer))
	}
	return answer, nil
}
