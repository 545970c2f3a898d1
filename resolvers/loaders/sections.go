package loaders

import (
	"context"
	"sync"

	"github.com/graph-gophers/dataloader/v7"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// sectionKey is a section that the rows of a page were loaded without.
type sectionKey struct {
	page    *model.Origin
	section upstream.Sections
}

// sectionLoader loads pages again with the sections that their rows lack. All rows of a page need them at the same moment: one batch has the fields
// of all rows, and reads each page once with all sections that they need.
type sectionLoader struct {
	once   sync.Once // few requests need it
	loader *dataloader.Loader[sectionKey, []*upstream.Activity]
}

// Section returns the row of an activity with a section that it was loaded without; nil if the row is gone. The page may have moved on since; a row
// that has left it is read alone.
func (l *Loader) Section(ctx context.Context, a *model.ScalingActivity, section upstream.Sections) (*upstream.Activity, error) {
	rows, err := l.pageWithSection(ctx, sectionKey{a.Origin, section})
	if err != nil {
		return nil, err
	}
	if row := findRow(rows, a.Activity, section); row != nil {
		return row, nil
	}
	page, err := l.Page(ctx, upstream.PageQuery{Group: a.Group, Filter: upstream.Filter{LogID: a.LogID}, Count: 1, Sections: section})
	if err != nil {
		return nil, err
	}
	return findRow(page.Rows, a.Activity, section), nil
}

func findRow(rows []*upstream.Activity, a *upstream.Activity, section upstream.Sections) *upstream.Activity {
	for _, row := range rows {
		if row.LogID == a.LogID && row.Group == a.Group && row.Details.Sections.Has(section) {
			return row
		}
	}
	return nil
}

func (l *Loader) pageWithSection(ctx context.Context, key sectionKey) ([]*upstream.Activity, error) {
	s := &From(ctx).sections
	s.once.Do(func() {
		s.loader = dataloader.NewBatchedLoader(l.loadSections, dataloader.WithWait[sectionKey, []*upstream.Activity](batchWait))
	})
	rows, err := s.loader.Load(ctx, key)()
	return rows, repanic(err)
}

// loadSections loads each page of a batch once, with the sections of all its keys and those that the client deferred: their fields may be in a later
// batch.
func (l *Loader) loadSections(ctx context.Context, keys []sectionKey) []*dataloader.Result[[]*upstream.Activity] {
	sections := map[*model.Origin]upstream.Sections{}
	for _, key := range keys {
		sections[key.page] |= key.section
	}
	byPage := make(map[*model.Origin]*dataloader.Result[[]*upstream.Activity], len(sections))
	var wg sync.WaitGroup
	for page, needed := range sections {
		result := &dataloader.Result[[]*upstream.Activity]{}
		byPage[page] = result
		wg.Go(func() {
			result.Data, result.Error = recoverCall(ctx, func(ctx context.Context) ([]*upstream.Activity, error) { return l.reload(ctx, page, needed) })
		})
	}
	wg.Wait()
	results := make([]*dataloader.Result[[]*upstream.Activity], len(keys))
	for i, key := range keys {
		results[i] = byPage[key.page]
	}
	return results
}

// reload reads the page of an origin again, with the given sections and the deferred ones. It returns nil if from is nil.
func (l *Loader) reload(ctx context.Context, from *model.Origin, sections upstream.Sections) ([]*upstream.Activity, error) {
	switch {
	case from == nil:
		return nil, nil
	case from.Feed != nil:
		q := *from.Feed
		q.Sections = from.Later | sections
		page, err := l.Feed(ctx, q)
		return page.Rows, err
	}
	q := *from.Page
	q.Sections = from.Later | sections
	page, err := l.Page(ctx, q)
	return page.Rows, err
}
