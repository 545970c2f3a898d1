package cache_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalegraph/cache"
	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// A pool of connections that is closed while it tries to connect sleeps for up to a second more.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const project, groupID = "p", "g"

var group = upstream.Group{Region: "r", Project: project, ID: groupID}

// epoch is the start of the oldest row that a test makes.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func defaults() cache.Config {
	return cache.Config{
		Fresh: 5 * time.Second, Stale: 10 * time.Second, StaleIfError: 24 * time.Hour,
		Grant: time.Minute, GrantIfError: 15 * time.Minute, Memory: 64 << 20,
	}
}

// fixture is a log in an emulator and a client for it.
type fixture struct {
	testing.TB
	*pagingtest.GroupLog
	client *upstream.Client
}

// newFixture makes a log of n rows, one each minute.
func newFixture(t testing.TB, n int, sw emulator.Switches) *fixture {
	t.Helper()
	log := pagingtest.NewGroupLog(group, epoch, n, sw)
	return &fixture{TB: t, GroupLog: log, client: pagingtest.Client(t, log.Emulator)}
}

func newOpenFixture(t testing.TB, n int) *fixture {
	t.Helper()
	return newFixture(t, n, emulator.Switches{Access: emulator.AccessOpen})
}

// newCache returns a cache over the upstream that closes with the test.
func (b *fixture) newCache(cfg cache.Config) *cache.Cache {
	c := cache.New(b.client, cfg)
	b.Cleanup(c.Close)
	return c
}

// expected returns the ids that the log has now under a filter, newest first.
func (b *fixture) expected(f emulator.Filter) []string {
	var ids []string
	for _, row := range b.Match(project, groupID, f) {
		ids = append(ids, row.ID)
	}
	return ids
}

// calls returns how many upstream requests do makes.
func (b *fixture) calls(do func()) int {
	before := b.Count()
	do()
	return b.Count() - before
}

// as returns a context of a caller with a token.
func (b *fixture) as(token string) context.Context {
	return request.WithCaller(b.Context(), &request.Caller{Token: token})
}

func ids(rows []*upstream.Activity) []string {
	var out []string
	for _, row := range rows {
		out = append(out, row.LogID)
	}
	return out
}

// nextPage requests the n rows after the last of prev.
func (b *fixture) nextPage(ctx context.Context, pages *paging.Pager, prev upstream.Page, n int, f upstream.Filter) upstream.Page {
	b.Helper()
	q := upstream.PageQuery{Group: group, Count: n, Filter: f}
	if len(prev.Rows) > 0 {
		p := prev.Rows[len(prev.Rows)-1].Point()
		q.After = &p
	}
	page, err := pages.Page(ctx, q)
	if err != nil {
		b.Fatalf("page %+v: %v", q, err)
	}
	return page
}

// walkRows pages through n rows and returns their ids.
func (b *fixture) walkRows(ctx context.Context, pages *paging.Pager, n, size int, f upstream.Filter) []string {
	b.Helper()
	var page upstream.Page
	var all []string
	for len(all) < n {
		page = b.nextPage(ctx, pages, page, size, f)
		all = append(all, ids(page.Rows)...)
		if !page.HasOlder {
			break
		}
	}
	return all
}

func (b *fixture) requireEqual(what string, got, want []string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Fatalf("%s:\n got %d %v\nwant %d %v", what, len(got), got, len(want), want)
	}
}
