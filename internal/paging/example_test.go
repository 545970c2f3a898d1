package paging_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"scalegraph/internal/paging"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// A log of five rows, one a minute, is read in pages of two.
func ExamplePages_Page() {
	e := emulator.New(emulator.Switches{Access: emulator.AccessOpen})
	for i := range 5 {
		start := time.Date(2026, 3, 1, 12, i, 0, 0, time.UTC)
		e.Insert("p", "g", emulator.Row{ID: emulator.ID(i), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start})
	}
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"r": "http://emulator.test"}, Transport: e.Transport()})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	pages := paging.New(client)
	q := upstream.PageQuery{Group: upstream.Group{Region: "r", Project: "p", ID: "g"}, Count: 2}
	for more := true; more; {
		page, err := pages.Page(context.Background(), q)
		if err != nil {
			log.Print(err)
			return
		}
		for _, row := range page.Rows {
			fmt.Print(row.StartTime.Format("15:04 "))
		}
		fmt.Println("of", page.Total)
		last := page.Rows[len(page.Rows)-1].Point()
		q.After, more = &last, page.HasOlder
	}
	// Output:
	// 12:04 12:03 of 5
	// 12:02 12:01 of 5
	// 12:00 of 5
}
