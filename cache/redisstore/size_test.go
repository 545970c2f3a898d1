package redisstore

import (
	"runtime"
	"testing"
	"time"

	"scalegraph/cache/block"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator/demo"
)

// The memory of the cache is bounded by estimated sizes. The estimate must be close for rows of the upstream and for rows of Redis.
func TestSizeEstimate(t *testing.T) {
	d := demo.New(demo.Options{})
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"r": "http://demo.test"}, Transport: d.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	read := func() [][]*upstream.Activity { return pagesOf(t, client, d.Groups()[:4]) }
	read() // the demo's own memory
	c := newCodec()
	defer c.close()
	decoded := func() [][]*upstream.Activity {
		var pages [][]*upstream.Activity
		for _, rows := range read() {
			p := &block.Segment{Rows: rows, Sections: upstream.AllSections, Gen: 1, NewestRank: 1000, Total: 1000, At: time.Now(), WriteID: 1}
			summary, parts := c.encodeSegment(testKey, p)
			got, err := c.decodeSegment(testKey, rows[0].Group, string(summary), texts(parts))
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, got.Rows)
		}
		return pages
	}
	decoded() // the codec's own memory
	for name, read := range map[string]func() [][]*upstream.Activity{"from the upstream": read, "from Redis": decoded} {
		before := heap()
		pages := read()
		used := int64(heap()) - int64(before)
		weight := int64(0)
		for _, rows := range pages {
			weight += int64(block.EstimateSize(rows))
		}
		t.Logf("%s: %d pages use %d bytes, estimated %d", name, len(pages), used, weight)
		if ratio := float64(used) / float64(weight); ratio < 0.85 || ratio > 1.15 {
			t.Errorf("%s: %.2f bytes are used for each estimated one", name, ratio)
		}
		runtime.KeepAlive(pages)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // the memory of the first one's finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// pagesOf reads ten pages of each group.
func pagesOf(t *testing.T, client *upstream.Client, groups []string) [][]*upstream.Activity {
	ctx := request.WithCaller(t.Context(), &request.Caller{Token: demo.Token})
	var pages [][]*upstream.Activity
	for _, id := range groups {
		for n := range 10 {
			q := upstream.ListQuery{
				Group:    upstream.Group{Region: "r", Project: demo.Project, ID: id},
				Sections: upstream.AllSections, Offset: n * 100, Limit: 100,
			}
			l, err := client.List(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			if len(l.Rows) > 0 {
				pages = append(pages, l.Rows)
			}
		}
	}
	return pages
}
