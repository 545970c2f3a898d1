package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"
)

// system is one program or group of programs that the fleet uses, with the requests in its own form.
type system struct {
	name  string
	urls  []string
	parts []string // of the stage, whose CPU time and memory count
	poll  func(group string) string
	walk  func(group string, page int, cursor string) string
	feed  func(groups []string) string
}

// fleetResult is a row of the table.
type fleetResult struct {
	name            string
	perSecond       float64 // responses
	callsPerSecond  float64
	cpuPerThousand  float64 // seconds of CPU time for 1 000 responses
	p50, p99, p999  time.Duration
	resident        float64 // maximum of the sum, in MiB
	repeated, skips int
	failed          int
	failure         string // one of them
}

// fleet simulates the consoles against each system, one after the other, and prints the table.
func fleet(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	product := flags.String("product", "./scalegraph", "the product's binary")
	length := flags.Duration("length", time.Minute, "time of measurement of each system")
	warmUp := flags.Duration("warm-up", 10*time.Second, "time before the measurement")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
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
	var results []fleetResult
	for _, start := range []func(*stage) (system, error){startOneReplica, startTwoReplicas, startFleetTailcall, startGateway} {
		s := &stage{options: options{product: *product}, ctx: ctx, dir: dir, self: self, parts: map[string]*process{}}
		r, err := s.measureFleet(start, *warmUp, *length)
		s.close()
		if err != nil {
			return err
		}
		if r.name != "" {
			results = append(results, r)
			fmt.Printf("%s: done\n", r.name)
		}
	}
	reportFleet(os.Stdout, results)
	return nil
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown\n"
	}
	return string(text)
}

// measureFleet starts a system with an upstream of its own and lets the consoles use it. The result has no name if the system is not installed.
func (s *stage) measureFleet(start func(*stage) (system, error), warmUp, length time.Duration) (fleetResult, error) {
	if err := s.role("upstream", "growing"); err != nil {
		return fleetResult{}, err
	}
	sys, err := start(s)
	if err != nil || sys.name == "" {
		return fleetResult{}, err
	}
	began := time.Now()
	ctx, cancel := context.WithDeadline(s.ctx, began.Add(warmUp+length))
	defer cancel()
	consoles := make([]*console, fleetConsoles)
	var running sync.WaitGroup
	for n := range consoles {
		consoles[n] = &console{number: n, system: &sys}
		running.Go(func() { consoles[n].run(ctx, began.Add(warmUp)) })
	}
	time.Sleep(time.Until(began.Add(warmUp)))
	before, err1 := s.use(sys)
	peak := before.resident
	for ctx.Err() == nil {
		now, err := s.use(sys)
		if err != nil {
			break // the deadline ends a request for the number of calls, too
		}
		peak = max(peak, now.resident)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	after, err2 := s.use(sys)
	running.Wait()
	if err := errors.Join(err1, err2); err != nil {
		return fleetResult{}, err
	}
	r := summarize(consoles, length)
	r.name, r.resident = sys.name, peak
	r.callsPerSecond = float64(after.calls-before.calls) / length.Seconds()
	r.cpuPerThousand = (after.cpu - before.cpu) / (r.perSecond * length.Seconds()) * 1000
	return r, nil
}

// usage holds the upstream calls and the CPU seconds of a system since its start, and its present memory in MiB.
type usage struct {
	calls         int
	cpu, resident float64
}

func (s *stage) use(sys system) (usage, error) {
	var u usage
	for _, name := range sys.parts {
		cpu, err1 := s.parts[name].cpu()
		resident, err2 := s.parts[name].resident()
		if err := errors.Join(err1, err2); err != nil {
			return u, err
		}
		u.cpu, u.resident = u.cpu+cpu, u.resident+resident
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, "http://"+s.parts["upstream"].address+"/calls", http.NoBody)
	if err != nil {
		return u, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return u, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return u, err
	}
	u.calls, err = strconv.Atoi(string(text))
	return u, err
}

// summarize adds up the measurements of the consoles.
func summarize(consoles []*console, length time.Duration) fleetResult {
	var r fleetResult
	var all []time.Duration
	for _, c := range consoles {
		all = append(all, c.log.latencies...)
		r.failed += c.log.failed
		r.failure = cmp.Or(r.failure, c.log.failure)
		r.repeated += c.log.repeated
		r.skips += c.log.skipped
	}
	slices.Sort(all)
	r.perSecond = float64(len(all)) / length.Seconds()
	r.p50, r.p99, r.p999 = percentile(all, .5), percentile(all, .99), percentile(all, .999)
	return r
}

// percentile returns the nearest rank of sorted values; 0 if there are none.
func percentile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(math.Ceil(part*float64(len(sorted))))-1)]
}

// callsGoal is the maximum for the product's upstream calls in a second: 1.2 times one call for each group and freshness period, and one for each
// credential, group and minute.
func callsGoal() float64 {
	pairs := fleetConsoles + fleetConsoles/10*(feedGroups-1)
	return 1.2 * (fleetGroups/5. + float64(pairs)/60)
}

func reportFleet(out io.Writer, results []fleetResult) {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintf(w, "\n| %d consoles, %d groups\t| responses/s\t| upstream calls/s\t| CPU s per 1 000 responses\t| p50\t| p99\t| p99.9\t| RSS\t| rows repeated\t| rows skipped\t| failed\t|\n", fleetConsoles, fleetGroups)
	fmt.Fprintln(w, "| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t|")
	for _, r := range results {
		fmt.Fprintf(w, "| %s\t| %.0f\t| %.1f\t| %.2f\t| %s\t| %s\t| %s\t| %.0f MiB\t| %d\t| %d\t| %d\t|\n", r.name, r.perSecond, r.callsPerSecond, r.cpuPerThousand,
			millis(r.p50), millis(r.p99), millis(r.p999), r.resident, r.repeated, r.skips, r.failed)
	}
	_ = w.Flush()
	fmt.Fprintf(out, "goals of the product: at most %.1f upstream calls/s, no row repeated or skipped\n", callsGoal())
	for _, r := range results {
		if r.failed > 0 {
			fmt.Fprintf(out, "a failed request of %s: %s\n", r.name, r.failure)
		}
		if (r.name == oneReplica || r.name == twoReplicas) && (r.callsPerSecond > callsGoal() || r.repeated+r.skips+r.failed > 0) {
			fmt.Fprintf(out, "%s: MISSED\n", r.name)
		}
	}
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
