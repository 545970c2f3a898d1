package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"scalegraph/upstream/emulator"
)

// The fleet: consoles with their own tokens over groups whose logs grow.
const (
	fleetConsoles = 1_000
	fleetGroups   = 30
	fleetHistory  = 400                    // rows of each group at the start
	fleetGrowth   = 200 * time.Millisecond // between two new rows, of all groups together
	fleetDelay    = 30 * time.Millisecond  // of the upstream
	runningTime   = 20 * time.Second       // of a new row
)

func consoleToken(n int) string { return fmt.Sprintf("console-%04d", n) }

// fleetRow returns the log id of a row. Its last digits are the rank in the log, from the oldest row on; see rankOf.
func fleetRow(group, rank int) string { return emulator.ID(group*ranksPerGroup + rank) }

const ranksPerGroup = 1_000_000

// serveGrowing is the role of an upstream whose logs grow. It counts the calls that it gets, at /calls.
func serveGrowing(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("growing", flag.ContinueOnError)
	listen := flags.String("listen", "", "address")
	if err := flags.Parse(args); err != nil {
		return err
	}
	e := emulator.New(emulator.Switches{})
	for n := range fleetConsoles {
		e.AddToken(consoleToken(n), project)
	}
	start := time.Now().Truncate(time.Second)
	for group := range fleetGroups {
		history := rows(fleetHistory)
		for rank := range history {
			r := &history[rank]
			r.ID, r.Start = fleetRow(group, rank), start.Add(time.Duration(rank-fleetHistory)*time.Minute)
			r.End = r.Start.Add(runningTime)
		}
		e.Insert(project, groupID(group), history...)
	}
	e.Fault(emulator.Always(emulator.Fault{Delay: fleetDelay}))
	go grow(ctx, e)
	var calls atomic.Int64
	return listenAndServe(ctx, *listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/calls" {
			fmt.Fprint(w, calls.Load())
			return
		}
		calls.Add(1)
		e.ServeHTTP(w, r)
	}))
}

// grow adds a row to each group in turn, and ends it after runningTime.
func grow(ctx context.Context, e *emulator.Emulator) {
	tick := time.NewTicker(fleetGrowth)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		group := n % fleetGroups
		r := row(n)
		r.ID, r.Status, r.Start, r.End = fleetRow(group, fleetHistory+n/fleetGroups), emulator.Doing, time.Now().Truncate(time.Second), time.Time{}
		e.Insert(project, groupID(group), r)
		time.AfterFunc(runningTime, func() { e.Finish(project, groupID(group), r.ID, emulator.Success, time.Now().Truncate(time.Second)) })
	}
}
