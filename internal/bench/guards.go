package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"scalegraph/upstream/emulator"
)

// The groups of the upstream of guards: some hang, some respond with 500, and the rest are well.
const (
	hangingGroups = 100
	failingGroups = 20
	firstHealthy  = 200
	healthyGroups = 200
	largeBody     = 30 << 20
	largeGroup    = "large"
)

// serveSick is the role of an upstream of which some groups are sick. Any token is valid for the healthy ones after it was used once.
func serveSick(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("sick", flag.ContinueOnError)
	listen := flags.String("listen", "", "address")
	if err := flags.Parse(args); err != nil {
		return err
	}
	e := emulator.New(emulator.Switches{})
	for n := range 500 {
		e.AddToken(consoleToken(n), project)
	}
	few := rows(smallRows)
	for n := range healthyGroups {
		e.Insert(project, groupID(firstHealthy+n), few...)
	}
	e.Fault(emulator.Always(emulator.Fault{Delay: 50 * time.Millisecond}))
	page := []byte(`{"total_number":1,"start_number":0,"limit":20,"scaling_activity_log":[{"id":"` + emulator.ID(1) +
		`","status":"SUCCESS","type":"NORMAL","start_time":"2026-01-01T00:00:00Z","end_time":"2026-01-01T00:00:01Z","description":"` + strings.Repeat("x", largeBody) + `"}]}`)
	return listenAndServe(ctx, *listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		group := path.Base(r.URL.Path)
		n, err := strconv.Atoi(group[strings.LastIndexByte(group, '-')+1:])
		switch {
		case strings.HasPrefix(group, largeGroup):
			_, _ = w.Write(page)
		case err == nil && n < hangingGroups:
			<-r.Context().Done()
		case err == nil && n < hangingGroups+failingGroups:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			e.ServeHTTP(w, r)
		}
	}))
}

// guards measures what one caller can do to the others and to the memory of the server, with the product and with another build of it.
func guards(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("guards", flag.ContinueOnError)
	product := flags.String("product", "./scalegraph", "the product's binary")
	before := flags.String("before", "", "another binary to compare with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf("load of the machine before: %s", loadAverage())
	for _, binary := range []string{*before, *product} {
		if binary == "" {
			continue
		}
		s := &stage{options: options{product: binary}, ctx: ctx, dir: dir, self: self, parts: map[string]*process{}}
		err := s.measureGuards()
		s.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// measureGuards prints a line for each scenario. Each has a server of its own.
func (s *stage) measureGuards() error {
	if err := s.role("upstream", "sick"); err != nil {
		return err
	}
	for _, scenario := range []struct {
		name string
		run  func(url string) string
	}{
		{"100 hanging groups of one caller, cold reads of others", func(url string) string { return s.disturbed(url, 1, severalOf(0, hangingGroups)) }},
		{"20 failing groups of one caller, cold reads of others", func(url string) string { return s.disturbed(url, 20, severalOf(hangingGroups, failingGroups)) }},
		{"100 maximal queries at once", func(url string) string { return s.atOnce(url, 100, severalOf(firstHealthy, 100)) }},
		{"400 maximal queries at once", func(url string) string { return s.atOnce(url, 400, severalOf(firstHealthy, 100)) }},
		{"64 upstream pages of 30 MB at once", func(url string) string { return s.atOnce(url, 64, "") }},
	} {
		if err := s.startProduct("product", "upstream"); err != nil {
			return err
		}
		measured := scenario.run(s.url("product"))
		peak, err := s.parts["product"].peak()
		s.parts["product"].stop()
		delete(s.parts, "product")
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %s | %s | %.0f MiB |\n", s.product, scenario.name, measured, peak)
	}
	return nil
}

// severalOf requests the newest rows of n groups. With 100 groups it costs about as much as the limit permits.
func severalOf(first, n int) string {
	groups := make([]string, n)
	for i := range groups {
		groups[i] = groupID(first + i)
	}
	return body(`query Several($g: [ScalingGroupRef!]!) { scalingGroups(groups: $g) { activities(first: 19) { totalCount nodes { logId type status startTime endTime addedInstances { instanceId } } } } }`,
		map[string]any{"g": groupRefs(groups)})
}

// disturbed returns the latency and the failures of cold reads of other callers while one caller sends a body several times.
func (s *stage) disturbed(url string, times int, hostile string) string {
	var running sync.WaitGroup
	for range times {
		running.Go(func() { s.sendAs(499, url, hostile) })
	}
	time.Sleep(200 * time.Millisecond) // the hostile calls are in flight
	latencies := make([]time.Duration, healthyGroups)
	results := make([]string, healthyGroups)
	var reads sync.WaitGroup
	for n := range healthyGroups {
		reads.Go(func() {
			time.Sleep(time.Duration(n) * 10 * time.Millisecond)
			start := time.Now()
			results[n] = s.sendAs(n, url, page(groupID(firstHealthy+n), 20, eightFields))
			latencies[n] = time.Since(start)
		})
	}
	reads.Wait()
	running.Wait()
	slices.Sort(latencies)
	return fmt.Sprintf("p50 %s, p99 %s, %s", millis(percentile(latencies, .5)), millis(percentile(latencies, .99)), countOf(results))
}

// atOnce sends a body with n tokens at once, or reads n large pages if it is empty.
func (s *stage) atOnce(url string, n int, text string) string {
	results := make([]string, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			request := text
			if request == "" {
				request = page(largeGroup+strconv.Itoa(i), 1, "logId description")
			}
			results[i] = s.sendAs(i, url, request)
		})
	}
	running.Wait()
	return countOf(results)
}

// countOf returns how often each result of sendAs occurs.
func countOf(results []string) string {
	counts := map[string]int{}
	for _, r := range results {
		counts[r]++
	}
	texts := make([]string, 0, len(counts))
	for _, r := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[r], r))
	}
	return strings.Join(texts, ", ")
}

var codePattern = regexp.MustCompile(`"code":"([A-Z_]+)"`)

// sendAs sends a body with the token of a console. It returns "complete" if the response has no errors, otherwise whether there is data and the
// code of the first error.
func (s *stage) sendAs(console int, url, text string) string {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, url, strings.NewReader(text))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", consoleToken(console))
	resp, err := client.Do(req)
	if err != nil {
		return "without a response"
	}
	defer resp.Body.Close()
	start, err1 := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // a response with errors is small
	_, err2 := io.Copy(io.Discard, resp.Body)
	code := codePattern.FindSubmatch(start)
	switch {
	case err1 != nil || err2 != nil:
		return "cut off"
	case code == nil:
		return "complete"
	case bytes.Contains(start, []byte(`"nodes"`)):
		return "partial with " + string(code[1])
	}
	return string(code[1])
}
