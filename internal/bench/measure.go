package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// measure drives all contenders of all lines, one after the other, in several rounds. Every other round has the opposite order.
func (s *stage) measure(lines []*line) error {
	for round := range s.rounds + 1 {
		for _, l := range lines {
			order := slices.Clone(l.contenders)
			if round%2 == 1 {
				slices.Reverse(order)
			}
			for _, c := range order {
				r, err := c.once(s.ctx, round)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", l.name, c.name, err)
				}
				if round > 0 { // the first one warms up
					c.results = append(c.results, r)
				}
			}
		}
		fmt.Printf("round %d of %d done\n", round, s.rounds)
	}
	return nil
}

// median returns the median of a value of the results.
func (c *contender) median(value func(result) float64) float64 {
	values := make([]float64, len(c.results))
	for i, r := range c.results {
		values[i] = value(r)
	}
	return median(values)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// ratio returns the median over the rounds of the throughput of a divided by that of b in the same round, because other load of the machine
// affects both.
func ratio(a, b *contender) float64 {
	values := make([]float64, len(a.results))
	for i := range values {
		values[i] = a.results[i].perSecond() / b.results[i].perSecond()
	}
	return median(values)
}

// report prints the table.
func report(out io.Writer, lines []*line) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer func() { _ = w.Flush() }()
	fmt.Fprintln(w, "\nwork\t| requests a second\t| p50 ms\t| ratio\t| goal\t|")
	for _, l := range lines {
		ours := l.contenders[0]
		var speeds, goals, ratios, times []string
		for _, c := range l.contenders {
			speeds = append(speeds, fmt.Sprintf("%s %.0f", c.name, c.median(result.perSecond)))
			times = append(times, fmt.Sprintf("%.2f", c.median(result.millis)))
		}
		verdict := "met"
		for _, g := range l.goals {
			if !g.measured(l) {
				goals, ratios = append(goals, g.String()), append(ratios, "not measured")
				continue
			}
			got, ok := g.judge(l, ours)
			goals, ratios = append(goals, g.String()), append(ratios, fmt.Sprintf("%.2f", got))
			if !ok {
				verdict = "MISSED"
			}
		}
		fmt.Fprintf(w, "%s\t| %s\t| %s\t| %s\t| %s\t| %s\n", l.name, strings.Join(speeds, ", "), strings.Join(times, ", "),
			strings.Join(ratios, ", "), strings.Join(goals, ", "), verdict)
	}
}

func (r result) millis() float64 { return float64(r.P50) / 1e3 }

// judge returns the value of the product for a goal, and whether it is met.
func (g goal) judge(l *line, ours *contender) (float64, bool) {
	if g.p50 > 0 {
		got := ours.median(result.millis)
		return got, got < g.p50
	}
	i := slices.IndexFunc(l.contenders, func(c *contender) bool { return c.name == g.against })
	got := ratio(ours, l.contenders[i])
	return got, got >= g.min
}

// measured reports whether the contender of the goal is installed.
func (g goal) measured(l *line) bool {
	return g.p50 > 0 || slices.ContainsFunc(l.contenders, func(c *contender) bool { return c.name == g.against })
}

func (g goal) String() string {
	if g.p50 > 0 {
		return fmt.Sprintf("p50 < %.0f ms", g.p50)
	}
	return fmt.Sprintf(">= %.2f x %s", g.min, g.against)
}

// startTime measures the time from starting the product to its first response.
func (s *stage) startTime() error {
	const runs, bound = 11, 150 * time.Millisecond
	var all []float64
	for range runs {
		took, err := s.startOnce()
		if err != nil {
			return err
		}
		all = append(all, float64(took)/float64(time.Millisecond))
	}
	fmt.Printf("\nstart to first response: %.0f ms (goal: under %v)\n", median(all), bound)
	return nil
}

func (s *stage) startOnce() (time.Duration, error) {
	body := page(groupID(0), 20, eightFields)
	began := time.Now()
	if err := s.startProduct("started", "upstream"); err != nil {
		return 0, err
	}
	defer s.parts["started"].stop()
	_, err := post(s.ctx, s.url("started"), body)
	return time.Since(began), err
}

// memory sends the product the requests of all its cached lines for the time of the soak, and prints its resident memory.
func (s *stage) memory(lines []*line) error {
	if s.soak == 0 {
		return nil
	}
	var seen []float64
	product := s.parts["product"]
	for began := time.Now(); time.Since(began) < s.soak; {
		for _, l := range lines {
			if strings.Contains(l.name, "off") || strings.Contains(l.name, "takes") || strings.Contains(l.name, "replica") {
				continue
			}
			if _, err := l.contenders[0].once(s.ctx, len(seen)); err != nil {
				return err
			}
			mib, err := product.resident()
			if err != nil {
				return err
			}
			seen = append(seen, mib)
		}
	}
	fifth := max(1, len(seen)/5)
	middle, end := median(slices.Clone(seen[2*fifth:3*fifth])), median(slices.Clone(seen[len(seen)-fifth:]))
	fmt.Printf("memory after %v: %.0f MiB at most, %.0f in the middle, %.0f in the end (goal: at most 150, no growth)\n", s.soak, slices.Max(seen), middle, end)
	return nil
}
