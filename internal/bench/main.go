// Command bench compares the product with its peers, side by side on one machine: `make bench-compare`. It starts what it measures,
// drives one after the other with the same load, several rounds, and prints medians and ratios. It ends by itself, and so does all
// that it started.
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

// The parts that the program plays besides its own: each is a process that the comparison starts.
var roles = map[string]func(context.Context, []string) error{
	"upstream": serveUpstream,
	"bare":     serveBare,
	"plain":    servePlain,
}

func main() {
	if err := play(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func play(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := compare
	if len(args) > 0 && roles[args[0]] != nil {
		run, args = roles[args[0]], args[1:]
	}
	return run(ctx, args)
}

// options are what a comparison can be told.
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
	flags.IntVar(&o.rounds, "rounds", 5, "how often each line is measured; medians count")
	flags.DurationVar(&o.length, "length", 2*time.Second, "how long each is driven in a round")
	flags.DurationVar(&o.soak, "soak", 5*time.Minute, "how long all lines are driven before memory is read; 0 leaves that out")
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
