// Command scalegraph serves the activity log of Huawei Cloud AutoScaling as a GraphQL API.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"scalegraph/internal/app"
)

func main() {
	runtime.MemProfileRate = app.MemProfileRate
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(app.Main(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
