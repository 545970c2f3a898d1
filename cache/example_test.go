package cache_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"scalegraph/cache"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// The second reader of a page gets it from memory if the upstream has accepted its credential.
func ExampleCache_List() {
	e := emulator.New(emulator.Switches{Access: emulator.AccessOpen})
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e.Insert("p", "g", emulator.Row{ID: emulator.ID(0), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start})
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"r": "http://emulator.test"}, Transport: e.Transport()})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	logs := cache.New(client, cache.Config{Fresh: time.Minute, Grant: time.Minute, Memory: 1 << 20})
	defer logs.Close()
	q := upstream.ListQuery{Group: upstream.Group{Region: "r", Project: "p", ID: "g"}, Limit: 20}
	for _, token := range []string{"first", "first", "second"} {
		ctx := request.WithCaller(context.Background(), &request.Caller{Token: token})
		l, err := logs.List(ctx, q)
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Println(token, "reads", len(l.Rows), "of", l.Total, "rows, upstream calls so far:", e.Count())
	}
	// Output:
	// first reads 1 of 1 rows, upstream calls so far: 1
	// first reads 1 of 1 rows, upstream calls so far: 1
	// second reads 1 of 1 rows, upstream calls so far: 2
}
