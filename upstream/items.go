package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"scalegraph/internal/request"
	"scalegraph/upstream/wirejson"
)

// CallKind is a kind of upstream call. Each kind has its own permission, so an accepted call of one kind does not imply access to the others.
// The values are stable: they are part of cache keys.
type CallKind string

// The kinds of calls.
const (
	CallActivityLog     CallKind = "activityLog"
	CallGroups          CallKind = "groups"          // all groups of a project
	CallGroup           CallKind = "group"           // one group
	CallInstances       CallKind = "instances"       // of a group
	CallGroupPolicies   CallKind = "groupPolicies"   // all policies of a group
	CallProjectPolicies CallKind = "projectPolicies" // all policies of a project
	CallPolicy          CallKind = "policy"          // one policy
	CallExecutions      CallKind = "executions"      // of a policy
)

// DiffersByCaller reports whether two callers that may both make the call can get different responses: these lists hold only what the
// caller's enterprise projects grant.
func (k CallKind) DiffersByCaller() bool { return k == CallGroups || k == CallProjectPolicies }

// Project names one project in one region.
type Project struct {
	Region string
	ID     string
}

// Range selects the entries Offset to Offset+Limit-1 of a list.
type Range struct {
	Offset int // at least 0
	Limit  int // 1 to MaxLimit
}

// Items is the response to one call that lists groups, instances, policies or executions. It may be shared: callers must not change it.
type Items[T any] struct {
	Entries []*T // Entries[i] is entry Offset+i in the upstream's order; nil if it has no id
	Offset  int
	Total   int       // entries that match the filter
	At      time.Time // when the call was sent
}

// Snapshot is a whole list of groups, instances or policies as it was at one time. It may be shared: callers must not change it.
type Snapshot[T any] struct {
	Entries []*T // in no particular order, without repeats
	AsOf    time.Time
	Stale   bool // the upstream failed and a cached copy was served instead
}

// lookup describes one call for groups, instances, policies or executions.
type lookup struct {
	what    string // for errors and logs, e.g. "list groups"
	region  string
	version string // v1 or v2
	project string
	group   string   // for logs; empty if the call does not name a group
	path    []string // below the project, unescaped
	query   url.Values
}

// listItems makes one call for a range of a list. It fails as Client.List does. decode returns nil for an entry that cannot be identified.
func listItems[T any](ctx context.Context, c *Client, l lookup, list string, r Range, decode func(wirejson.Record) *T) (Items[T], error) {
	if r.Limit < 1 || r.Limit > MaxLimit || r.Offset < 0 {
		return Items[T]{}, fmt.Errorf("%s: limit %d or offset %d is out of range", l.what, r.Limit, r.Offset)
	}
	if l.query == nil {
		l.query = url.Values{}
	}
	l.query.Set("start_number", strconv.Itoa(r.Offset))
	l.query.Set("limit", strconv.Itoa(r.Limit))
	var items Items[T]
	err := c.lookUp(ctx, l, func(body gjson.Result, at time.Time) error {
		var err error
		items, err = readItems(body, list, r, decode)
		items.At = at
		return err
	})
	if err != nil {
		return Items[T]{}, err
	}
	request.CallerFrom(ctx).Tally.Rows.Add(int64(len(items.Entries)))
	c.countSkipped(ctx, l, missing(items.Entries))
	return items, nil
}

// readItems decodes the envelope strictly, because a mistake there would shift entries, and each entry leniently.
func readItems[T any](body gjson.Result, list string, r Range, decode func(wirejson.Record) *T) (Items[T], error) {
	total, entries := wirejson.Int32(body.Get("total_number")), body.Get(list)
	switch {
	case total == nil || *total < 0:
		return Items[T]{}, errors.New("total_number is no count")
	case entries.Exists() && entries.Type != gjson.Null && !entries.IsArray():
		return Items[T]{}, fmt.Errorf("%s is no list", list)
	}
	items := Items[T]{Offset: r.Offset, Total: int(*total)}
	for _, entry := range entries.Array() {
		items.Entries = append(items.Entries, decodeEntry(entry, decode))
	}
	if len(items.Entries) > r.Limit {
		return Items[T]{}, fmt.Errorf("more than the requested %d entries", r.Limit)
	}
	if n := len(items.Entries); n > 0 {
		items.Total = max(items.Total, r.Offset+n)
	}
	return items, nil
}

func decodeEntry[T any](v gjson.Result, decode func(wirejson.Record) *T) *T {
	if !v.IsObject() {
		return nil
	}
	return decode(v.Map())
}

func missing[T any](entries []*T) int {
	n := 0
	for _, e := range entries {
		if e == nil {
			n++
		}
	}
	return n
}

// showItem makes one call for the object in the member key. It fails as Client.List does.
func showItem[T any](ctx context.Context, c *Client, l lookup, key string, decode func(wirejson.Record) *T) (item *T, at time.Time, err error) {
	err = c.lookUp(ctx, l, func(body gjson.Result, sent time.Time) error {
		at = sent
		if item = decodeEntry(body.Get(key), decode); item == nil {
			return fmt.Errorf("%s is missing or has no id", key)
		}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	request.CallerFrom(ctx).Tally.Rows.Add(1)
	return item, at, nil
}

// lookUp makes a call and passes the body of a response with status 200 to read. An error of read becomes ErrBadResponse.
func (c *Client) lookUp(ctx context.Context, l lookup, read func(body gjson.Result, at time.Time) error) error {
	err := c.tryLookUp(ctx, l, read)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s of %s/%s: %w", l.what, l.region, strings.Join(append([]string{l.project}, l.path...), "/"), err)
	c.logFailure(ctx, Group{Region: l.region, Project: l.project, ID: l.group}, err)
	return err
}

func (c *Client) tryLookUp(ctx context.Context, l lookup, read func(body gjson.Result, at time.Time) error) error {
	r, ok := c.regions[l.region]
	if !ok {
		return fmt.Errorf("region %q is not configured", l.region)
	}
	u, err := r.lookupURL(l)
	if err != nil {
		return err
	}
	a, err := c.do(ctx, &call{region: r, url: u, project: l.project, group: l.group, caller: request.CallerFrom(ctx)})
	if err != nil {
		return err
	}
	defer a.release()
	body := validText(a.body)
	if !wirejson.Valid(body) {
		return a.unreadable(errors.New("not JSON, or cut off"))
	}
	if err := read(gjson.Parse(body), a.sentAt); err != nil {
		return a.unreadable(err)
	}
	return nil
}

// lookupURL returns the URL of a call. It rejects ids with characters that could change the path.
func (r *region) lookupURL(l lookup) (*url.URL, error) {
	u := *r.base
	prefix := "/autoscaling-api/" + l.version
	u.Path, u.RawPath = r.base.Path+prefix, r.path+prefix
	for _, part := range append([]string{l.project}, l.path...) {
		escaped, err := segment(part)
		if err != nil {
			return nil, err
		}
		u.Path, u.RawPath = u.Path+"/"+part, u.RawPath+"/"+escaped
	}
	u.RawQuery = strings.ReplaceAll(l.query.Encode(), "+", "%20")
	return &u, nil
}

func (c *Client) countSkipped(ctx context.Context, l lookup, n int) {
	if n == 0 {
		return
	}
	c.skipped.Add(int64(n))
	c.log.WarnContext(ctx, "entries without an id or a time skipped", "entries", n, "call", l.what, "region", l.region, "project", l.project, "group", l.group)
}
