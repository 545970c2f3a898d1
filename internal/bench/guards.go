package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
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
	var mu sync.Mutex
	var latencies []time.Duration
	failed := 0
	var reads sync.WaitGroup
	for n := range healthyGroups {
		reads.Go(func() {
			time.Sleep(time.Duration(n) * 10 * time.Millisecond)
			start := time.Now()
			ok := s.sendAs(n, url, page(groupID(firstHealthy+n), 20, eightFields))
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, time.Since(start))
			if !ok {
				failed++
			}
		})
	}
	reads.Wait()
	running.Wait()
	slices.Sort(latencies)
	return fmt.Sprintf("p50 %s, p99 %s, %d of %d failed", millis(percentile(latencies, .5)), millis(percentile(latencies, .99)), failed, len(latencies))
}

// atOnce sends a body with n tokens at once, or reads n large pages if it is empty.
func (s *stage) atOnce(url string, n int, text string) string {
	var mu sync.Mutex
	ok := 0
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			request := text
			if request == "" {
				request = page(largeGroup+strconv.Itoa(i), 1, "logId description")
			}
			served := s.sendAs(i, url, request)
			mu.Lock()
			defer mu.Unlock()
			if served {
				ok++
			}
		})
	}
	running.Wait()
	return fmt.Sprintf("%d of %d served", ok, n)
}

// sendAs sends a body with the token of a console, and reports whether the response had no errors.
func (s *stage) sendAs(console int, url, text string) bool {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, url, strings.NewReader(text))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", consoleToken(console))
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	start := make([]byte, 9)
	_, err = io.ReadFull(resp.Body, start)
	rest, err2 := io.Copy(io.Discard, resp.Body)
	return err == nil && err2 == nil && rest > 100 && resp.StatusCode == http.StatusOK && string(start) == `{"data":{`
}
