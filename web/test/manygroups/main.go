// Command manygroups serves an emulator with one project of 50 groups to browser tests. It prints its base URL, and ends with its standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"scalegraph/upstream/emulator"
)

const (
	project = "project"
	groups  = 50
	rows    = 20 // of each group
)

func main() {
	e := emulator.New(emulator.Switches{})
	e.AddToken("token", project)
	now := time.Now().UTC().Truncate(time.Second)
	for i := range groups {
		id := emulator.ID(i + 1)
		e.PutGroup(project, emulator.Group{ID: id, Name: fmt.Sprintf("group-%02d", i+1), Min: 1, Max: 9, Created: now})
		for n := range rows {
			start := now.Add(-time.Duration((rows-n)*groups+i) * time.Minute)
			e.Insert(project, id, emulator.Row{Status: emulator.Success, Type: "NORMAL", Start: start, End: start.Add(time.Minute)})
		}
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	go func() { log.Fatal(http.Serve(listener, e)) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
}
