// Command bench compares the product with other programs on one machine. `make bench-compare` sends each the same requests, one program after the
// other, in several rounds, and prints medians and ratios. `make bench-fleet` simulates a fleet of consoles. `make bench-guards` measures the bounds
// that protect callers from each other. Bench starts and stops all programs that it measures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// roles are the processes of a comparison that this program is itself.
var roles = map[string]func(context.Context, []string) error{
	"upstream": serveUpstream,
	"bare":     serveBare,
	"plain":    servePlain,
	"growing":  serveGrowing,
	"gateway":  serveGateway,
	"fleet":    fleet,
	"sick":     serveSick,
	"guards":   guards,
}

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	start := compare
	if len(args) > 0 && roles[args[0]] != nil {
		start, args = roles[args[0]], args[1:]
	}
	return start(ctx, args)
}

// options are the flags of a comparison.
type options struct {
	product     string
	rounds      int
	length      time.Duration
	soak        time.Duration
	connections int
	only        string
}

func readOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.product, "product", "./scalegraph", "the product's binary")
	flags.IntVar(&o.rounds, "rounds", 5, "number of rounds; medians count")
	flags.DurationVar(&o.length, "length", 2*time.Second, "length of one load")
	flags.DurationVar(&o.soak, "soak", 5*time.Minute, "how long all lines are driven to measure memory; 0: not at all")
	flags.IntVar(&o.connections, "connections", 32, "connections of the load")
	flags.StringVar(&o.only, "only", "", "only lines with this in their name")
	err := flags.Parse(args)
	return o, err
}

// limit bounds a whole comparison.
const limit = 30 * time.Minute

func compare(ctx context.Context, args []string) error {
	o, err := readOptions(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := newStage(ctx, o, dir)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run()
}
