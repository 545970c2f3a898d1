// Command growing is an upstream with one group to which activities can be added while clients page through it:
//
//	POST /control/insert?rows=3   that many activities start
//	GET  /control/rows            the ids of all, in the order of the API
//
// It prints its address and ends with its standard input.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"scalegraph/upstream/emulator"
)

// The group of the activities and the token that may read them.
const (
	project = "clients"
	group   = "growing"
	token   = "clients"
)

func main() {
	rows := flag.Int("rows", 1000, "activities to begin with")
	flag.Parse()
	if err := run(*rows); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(rows int) error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l := newLog(rows)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /control/insert", l.insert)
	mux.HandleFunc("GET /control/rows", l.rows)
	mux.Handle("/", l.emulator)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent process closes it
		_ = server.Close()
	}()
	fmt.Printf("http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// log is the group's. Some activities share their second with the one before.
type log struct {
	emulator *emulator.Emulator

	mu   sync.Mutex
	next time.Time
}

// newLog returns a log with so many rows, the newest an hour old.
func newLog(rows int) *log {
	const step = 5 * time.Second
	begin := time.Now().UTC().Truncate(time.Second).Add(-time.Hour - time.Duration(rows)*step)
	l := &log{emulator: emulator.New(emulator.Switches{}), next: begin}
	l.emulator.AddToken(token, project)
	l.emulator.AddGroup(project, group)
	l.grow(rows)
	return l
}

// grow adds rows at once, all newer than the existing ones: clients could miss rows that are added to a second that they have read.
func (l *log) grow(rows int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch := make([]emulator.Row, rows)
	for i := range batch {
		if i%5 != 4 {
			l.next = l.next.Add(5 * time.Second)
		}
		batch[i] = emulator.Row{
			Status: emulator.Success, Type: emulator.Normal, Start: l.next, End: l.next.Add(3 * time.Second),
			InstanceValue: 2, DesireValue: 3, ScalingValue: 1,
		}
	}
	l.emulator.Insert(project, group, batch...)
}

func (l *log) insert(w http.ResponseWriter, r *http.Request) {
	rows, err := strconv.Atoi(r.FormValue("rows"))
	if err != nil || rows < 1 || rows > 1000 {
		http.Error(w, "rows is a number from 1 to 1000", http.StatusBadRequest)
		return
	}
	l.grow(rows)
}

// rows responds in the order of the API: by start, newest first, and inside a second by id.
func (l *log) rows(w http.ResponseWriter, _ *http.Request) {
	all := l.emulator.Rows(project, group)
	slices.SortFunc(all, func(a, b emulator.Row) int {
		return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(a.ID, b.ID))
	})
	ids := make([]string, len(all))
	for i, row := range all {
		ids[i] = row.ID
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ids) // fails only if the client closed the connection
}
