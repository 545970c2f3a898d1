// Command genqlient walks a log of 1000 rows forward and backward with genqlient's typed client, while rows arrive at its head.
package main

//go:generate go tool genqlient genqlient.yaml

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/Khan/genqlient/graphql"
)

const (
	group = "growing"
	size  = 50
)

func main() {
	w := walker{graphql.NewClient(os.Args[1]+"/graphql", caller{}), os.Args[2]}
	if err := w.walk(); err != nil {
		fmt.Fprintln(os.Stderr, "wrong genqlient:", err)
		os.Exit(1)
	}
}

// caller sends its token along.
type caller struct{}

func (caller) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-Auth-Token", "clients")
	return http.DefaultClient.Do(r)
}

type walker struct {
	client   graphql.Client
	upstream string
}

func (w walker) walk() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(w.forward(ctx), w.backward(ctx))
}

// forward walks from the newest row of the first page to the oldest, while rows arrive before each page.
func (w walker) forward(ctx context.Context) error {
	want, err := w.rows(ctx)
	if err != nil {
		return err
	}
	var got []string
	var after *string
	for more, pages := true, 0; more; pages++ {
		if err := w.grow(ctx); err != nil {
			return err
		}
		page, err := w.page(ctx, ptr(size), after, nil, nil)
		if err != nil {
			return err
		}
		if pages == 0 { // the head is where the first page found it
			want, err = w.rows(ctx)
			if err != nil {
				return err
			}
		}
		got = append(got, ids(page)...)
		after, more = page.PageInfo.EndCursor, page.PageInfo.HasNextPage
	}
	return check("forward", got, want)
}

// backward walks from the oldest row to the newest, which moves on for a thousand rows.
func (w walker) backward(ctx context.Context) error {
	enough, err := w.rows(ctx)
	if err != nil {
		return err
	}
	var got []string
	var before *string
	for {
		if len(got) < len(enough) {
			if err := w.grow(ctx); err != nil {
				return err
			}
		}
		page, err := w.page(ctx, nil, nil, ptr(size), before)
		if err != nil {
			return err
		}
		got = append(ids(page), got...)
		if page.PageInfo.StartCursor != nil {
			before = page.PageInfo.StartCursor
		}
		want, err := w.rows(ctx)
		if err != nil {
			return err
		}
		if len(got) >= len(enough) && len(got) >= len(want) {
			return check("backward", got, want)
		}
	}
}

func (w walker) page(ctx context.Context, first *int, after *string, last *int, before *string) (*WalkScalingGroupActivitiesScalingActivityConnection, error) {
	response, err := Walk(ctx, w.client, group, first, after, last, before)
	if err != nil {
		return nil, err
	}
	if response.ScalingGroup == nil || response.ScalingGroup.Activities == nil {
		return nil, errors.New("no page without an error")
	}
	return response.ScalingGroup.Activities, nil
}

func ids(page *WalkScalingGroupActivitiesScalingActivityConnection) []string {
	list := make([]string, len(page.Edges))
	for i, edge := range page.Edges {
		list[i] = edge.Node.LogId
	}
	return list
}

func check(name string, got, want []string) error {
	if len(want) < 1000 || !slices.Equal(got, want) {
		return fmt.Errorf("%s: %d rows, want %d, or in another order", name, len(got), len(want))
	}
	fmt.Printf("ok    genqlient %s: %d rows, each once and in order\n", name, len(got))
	return nil
}

func (w walker) rows(ctx context.Context) (ids []string, err error) {
	return ids, w.control(ctx, http.MethodGet, "rows", &ids)
}

func (w walker) grow(ctx context.Context) error {
	return w.control(ctx, http.MethodPost, "insert?rows=3", nil)
}

func (w walker) control(ctx context.Context, method, what string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, w.upstream+"/control/"+what, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}

func ptr(n int) *int { return &n }
