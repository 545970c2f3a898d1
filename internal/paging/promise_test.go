package paging_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scalegraph/cache"
	"scalegraph/internal/paging"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// withParameter sets a parameter of a request's query.
func withParameter(r *http.Request, name string, n int) *http.Request {
	changed := r.Clone(r.Context())
	query := changed.URL.Query()
	query.Set(name, strconv.Itoa(n))
	changed.URL.RawQuery = query.Encode()
	return changed
}

// brokenPromises are upstreams that do not do as documented.
var brokenPromises = map[string]func(http.RoundTripper) roundTripper{
	"start_number is ignored": func(next http.RoundTripper) roundTripper {
		return func(r *http.Request) (*http.Response, error) {
			return next.RoundTrip(withParameter(r, "start_number", 0))
		}
	},
	"the list is null": func(http.RoundTripper) roundTripper {
		return func(r *http.Request) (*http.Response, error) {
			body := `{"limit":20,"start_number":0,"total_number":230,"scaling_activity_log":null}`
			header := http.Header{"Content-Type": {"application/json"}}
			return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1, Request: r}, nil
		}
	},
	"limit is clamped": func(next http.RoundTripper) roundTripper {
		return func(r *http.Request) (*http.Response, error) {
			limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
			if err != nil {
				return nil, err
			}
			return next.RoundTrip(withParameter(r, "limit", min(limit, 10)))
		}
	},
}

// An upstream that does not keep its promises fails a walk as UPSTREAM_BAD_RESPONSE after a few calls. It never ends the walk early.
func TestUpstreamBreaksPromise(t *testing.T) {
	const most = 8 // calls of a page
	for name, breaks := range brokenPromises {
		for _, cached := range []bool{false, true} {
			for _, size := range []int{5, 20, 97, 99, 100, 250} {
				b := newBench(t, 230, emulator.Switches{})
				var calls atomic.Int64
				broken := breaks(b.Transport())
				client, err := upstream.New(upstream.Config{
					Endpoints: map[string]string{"r": "http://emulator.test"},
					Transport: roundTripper(func(r *http.Request) (*http.Response, error) { calls.Add(1); return broken(r) }),
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(client.Close)
				source := paging.Source(client)
				if cached {
					logs := cache.New(client, cache.Config{Fresh: 5 * time.Second, Grant: time.Minute, Memory: 64 << 20})
					t.Cleanup(logs.Close)
					source = logs
				}
				pages, want := paging.New(source), b.record(emulator.Filter{})
				q := upstream.PageQuery{Group: group, Count: size}
				var seen []string
				for {
					calls.Store(0)
					page, err := pages.Page(t.Context(), q)
					if n := calls.Load(); n > most {
						t.Errorf("%s, pages of %d, cached %v: %d calls for a page", name, size, cached, n)
					}
					if errors.Is(err, upstream.ErrBadResponse) {
						break
					}
					if err != nil {
						t.Fatalf("%s, pages of %d, cached %v: %v", name, size, cached, err)
					}
					if seen = append(seen, ids(page)...); !page.HasOlder || len(page.Rows) == 0 {
						if len(seen) < len(want) {
							t.Errorf("%s, pages of %d, cached %v: the walk ends after %d rows", name, size, cached, len(seen))
						}
						break
					}
					q.After = pointOf(page)
				}
				if !slices.Equal(seen, want[:min(len(seen), len(want))]) {
					t.Errorf("%s, pages of %d, cached %v: wrong rows", name, size, cached)
				}
			}
		}
	}
}
