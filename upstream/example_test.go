package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// A client reads the newest failed activity of a group, and gets the reason if another caller has no access.
func ExampleClient_List() {
	e := emulator.New(emulator.Switches{})
	e.AddToken("token", "p")
	for i, status := range []string{emulator.Fail, emulator.Success} {
		start := time.Date(2026, 3, 1, 12, i, 0, 0, time.UTC)
		e.Insert("p", "g", emulator.Row{ID: emulator.ID(i), Type: emulator.Normal, Status: status, Start: start, End: start})
	}
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"r": "http://emulator.test"}, Transport: e.Transport()})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	q := upstream.ListQuery{
		Group:  upstream.Group{Region: "r", Project: "p", ID: "g"},
		Filter: upstream.NewFilter(upstream.Filter{Status: upstream.StatusFail}),
		Limit:  1,
	}
	ctx := request.WithCaller(context.Background(), &request.Caller{Token: "token"})
	l, err := client.List(ctx, q)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(l.Total, "failed, the newest one at", l.Rows[0].StartTime.Format(time.TimeOnly))

	_, err = client.List(request.WithCaller(context.Background(), &request.Caller{Token: "other"}), q)
	fmt.Println(errors.Is(err, upstream.ErrUnauthenticated))
	// Output:
	// 1 failed, the newest one at 12:00:00
	// true
}
