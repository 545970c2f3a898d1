package resolvers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scalegraph/internal/paging"
	"scalegraph/resolvers/globalid"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// sectionPages returns rows with only the requested sections, as the cache does. It records the requested sections.
type sectionPages struct {
	pages *paging.Pager
	fail  func(upstream.Sections) error

	mu        sync.Mutex
	requested []upstream.Sections
}

func (l *sectionPages) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	if err := l.note(q.Sections); err != nil {
		return upstream.Page{}, err
	}
	page, err := l.pages.Page(ctx, q)
	page.Rows = removeSections(page.Rows, q.Sections)
	return page, err
}

func (l *sectionPages) Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error) {
	if err := l.note(q.Sections); err != nil {
		return upstream.FeedPage{}, err
	}
	page, err := l.pages.Feed(ctx, q)
	page.Rows = removeSections(page.Rows, q.Sections)
	return page, err
}

func (l *sectionPages) note(s upstream.Sections) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requested = append(l.requested, s)
	if l.fail != nil {
		return l.fail(s)
	}
	return nil
}

func removeSections(rows []*upstream.Activity, sections upstream.Sections) []*upstream.Activity {
	stripped := make([]*upstream.Activity, len(rows))
	for i, row := range rows {
		r := *row
		if r.Details.Sections &= sections; !r.Details.Sections.Has(upstream.SectionInstances) {
			r.Details.Added, r.Details.Removed, r.Details.Deleted, r.Details.Standby = nil, nil, nil, nil
		}
		if !r.Details.Sections.Has(upstream.SectionFailures) {
			r.Details.Failed = nil
		}
		if !r.Details.Sections.Has(upstream.SectionDescriptions) {
			r.Description = nil
		}
		if !r.Details.Sections.Has(upstream.SectionLoadBalancers) {
			r.Details.Bound, r.Details.BindFailed, r.Details.Unbound, r.Details.UnbindFailed = nil, nil, nil, nil
		}
		stripped[i] = &r
	}
	return stripped
}

// newSectionWorld returns a world whose pages contain only the requested sections.
func newSectionWorld(t *testing.T) (*world, *sectionPages) {
	w := newWorld(t)
	l := &sectionPages{pages: w.pages(nil)}
	w.url = w.serve(l.pages, func(c *Config) { c.Pages, c.Feeds = l, l })
	return w, l
}

// No section is read unless it is selected, and none is read twice.
func TestSections(t *testing.T) {
	const inst, fail, lb, text = upstream.SectionInstances, upstream.SectionFailures, upstream.SectionLoadBalancers, upstream.SectionDescriptions
	one := func(s upstream.Sections) []upstream.Sections { return []upstream.Sections{s} }
	tests := map[string]struct {
		query string
		want  []upstream.Sections
	}{
		"light":             {inGroup(`activities { nodes { id outcome direction durationSeconds } edges { cursor node { logId } } }`), one(0)},
		"descriptions":      {inGroup(`activities { nodes { description } }`), one(text)},
		"reasons":           {inGroup(`activities { nodes { ...on Node { ...on ScalingActivity { why: reasons { oldValue } } } } }`), one(text)},
		"nodes":             {inGroup(`activities { nodes { addedInstances { instanceId } } }`), one(inst)},
		"edges":             {inGroup(`activities { edges { node { failedInstances { instanceId } } } }`), one(fail)},
		"both":              {inGroup(`activities { nodes { standbyInstances { instanceId } } edges { node { unbindFailedLoadBalancers { classicListener } } } }`), one(inst | lb)},
		"every list":        {inGroup(`activities { nodes { removedInstances { instanceId } deletedInstances { instanceId } failedInstances { instanceId } boundLoadBalancers { classicListener } bindFailedLoadBalancers { classicListener } unboundLoadBalancers { classicListener } } }`), one(inst | fail | lb)},
		"fragments":         {inGroup(`activities { ...c }`) + ` fragment c on ScalingActivityConnection { nodes { ...on Node { id ...on ScalingActivity { failedInstances { instanceId } } } } }`, one(fail)},
		"left out":          {inGroup(`activities { nodes { id failedInstances @skip(if: true) { instanceId } ... @include(if: false) { addedInstances { instanceId } } } }`), one(0)},
		"aliases":           {inGroup(`a: activities { nodes { x: addedInstances { instanceId } } } b: activities { nodes { failedInstances { instanceId } } }`), one(inst | fail)},
		"one activity":      {inGroup(`activity(logId: "` + emulator.ID(1005) + `") { addedInstances { instanceId } }`), one(inst)},
		"the latest":        {inGroup(`a: latestActivity { addedInstances { instanceId } } b: latestActivity { boundLoadBalancers { classicListener } }`), one(inst | lb)},
		"a node":            {`{ node(id: "` + activityID(busyGroup, 1005) + `") { id ... on ScalingActivity { failedInstances { instanceId } } } }`, one(fail)},
		"a feed":            {`{ scalingActivities(groups: [{groupId: "` + busyGroup + `"}, {groupId: "` + smallGroup + `"}]) { nodes { failedInstances { instanceId } } } }`, one(fail)},
		"a light feed":      {`{ scalingActivities(groups: [{groupId: "` + busyGroup + `"}, {groupId: "` + smallGroup + `"}]) { nodes { logId } } }`, one(0)},
		"a summary of rows": {strings.ReplaceAll(inGroup(`activitySummary { succeeded failed }`), busyGroup, smallGroup), one(0)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, l := newSectionWorld(t)
			a := w.ask(test.query, nil)
			if len(a.Errors) > 0 {
				t.Errorf("errors in %s", a.raw)
			}
			if !slices.Equal(l.requested, test.want) {
				t.Errorf("sections asked for: %v, want %v", l.requested, test.want)
			}
		})
	}
}

func activityID(group string, n int) string {
	return globalid.Object{Group: upstream.Group{Region: "default", Project: project, ID: group}, LogID: emulator.ID(n)}.ID()
}

// deferred sends a query with @defer and returns all parts of the response.
func (w *world) deferred(query string) string {
	w.t.Helper()
	w.headers.Set("Accept", "multipart/mixed")
	defer w.headers.Del("Accept")
	body, _ := json.Marshal(map[string]string{"query": query})
	return string(w.post(body))
}

func TestDeferredSectionsAreReadOnceForThePage(t *testing.T) {
	for name, query := range map[string]string{
		"a page": inGroup(`activities(first: 10) { nodes { logId addedInstances { instanceId } ... @defer { failedInstances { failure { reason } } boundLoadBalancers { classicListener } } } }`),
		"a feed": `{ scalingActivities(first: 10, groups: [{groupId: "` + busyGroup + `"}, {groupId: "` + smallGroup + `"}]) { nodes { logId addedInstances { instanceId } ... @defer { failedInstances { failure { reason } } boundLoadBalancers { classicListener } } } } }`,
		"latest": inGroup(`latestActivity { logId addedInstances { instanceId } ... @defer { failedInstances { failure { reason } } boundLoadBalancers { classicListener } } }`),
	} {
		w, l := newSectionWorld(t)
		text := w.deferred(query)
		if !strings.Contains(text, "AS.7003") || strings.Contains(text, `"errors"`) {
			t.Errorf("%s: got %s", name, text)
		}
		want := []upstream.Sections{upstream.SectionInstances, upstream.SectionFailures | upstream.SectionLoadBalancers}
		if !slices.Equal(l.requested, want) {
			t.Errorf("%s: sections asked for: %v, want %v", name, l.requested, want)
		}
	}
}

// TestDeferredDescriptionsComeWithTheirRows has them read at once: a field that is no list is never read later.
func TestDeferredDescriptionsComeWithTheirRows(t *testing.T) {
	w, l := newSectionWorld(t)
	text := w.deferred(inGroup(`activities(first: 2) { nodes { logId ... @defer { description reasons { changeReason } } } }`))
	if strings.Count(text, `"description":"`) != 2 || !slices.Equal(l.requested, []upstream.Sections{upstream.SectionDescriptions}) {
		t.Errorf("sections asked for: %v; got %s", l.requested, text)
	}
}

// TestDeferredRowsThatMovedOn lets the log grow between a page and its deferred sections: the rows that the page has lost are
// read alone.
func TestDeferredRowsThatMovedOn(t *testing.T) {
	w, l := newSectionWorld(t)
	l.fail = func(upstream.Sections) error {
		if len(l.requested) == 2 {
			w.emulator.Insert(project, busyGroup, emulator.Row{ID: emulator.ID(1), Type: emulator.Normal, Status: emulator.Success, Start: newestStart.Add(time.Hour)})
		}
		return nil
	}
	text := w.deferred(inGroup(`activities(first: 2) { nodes { logId ... @defer { addedInstances { instanceName } } } }`))
	for _, name := range []string{"as-config-0", "as-config-1"} {
		if !strings.Contains(text, name) {
			t.Errorf("no %s in %s", name, text)
		}
	}
	if len(l.requested) != 3 {
		t.Errorf("%d pages were read, want 3", len(l.requested))
	}
}

func TestSectionsThatCannotBeRead(t *testing.T) {
	w, l := newSectionWorld(t)
	l.fail = func(s upstream.Sections) error {
		if s != 0 {
			return fmt.Errorf("no details: %w", upstream.ErrUnavailable)
		}
		return nil
	}
	text := w.deferred(inGroup(`activities(first: 2) { nodes { logId ... @defer { failedInstances { instanceName } } } }`))
	for _, want := range []string{emulator.ID(1000), emulator.ID(1001), "UPSTREAM_UNAVAILABLE", `"path":["scalingGroup","activities","nodes",1,"failedInstances"]`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}
