package resolvers

import (
	"context"
	"sync"

	"github.com/graph-gophers/dataloader/v7"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// lack is a section that the rows of a page came without.
type lack struct {
	from    *model.Origin
	section upstream.Sections
}

// lacks reads pages again with what their rows lack. All rows of a page want that at the same moment: it is read once for them.
type lacks struct {
	once   sync.Once
	loader *dataloader.Loader[lack, []*upstream.Activity]
}

// load returns the rows of the page that a row came in, with the section that it lacks.
func (l *lacks) load(ctx context.Context, r *Resolver, want lack) ([]*upstream.Activity, error) {
	l.once.Do(func() { // few requests need it
		l.loader = dataloader.NewBatchedLoader(r.readLacks,
			dataloader.WithBatchCapacity[lack, []*upstream.Activity](1), dataloader.WithInputCapacity[lack, []*upstream.Activity](1))
	})
	rows, err := l.loader.Load(ctx, want)()
	return rows, rethrown(err)
}

func (r *Resolver) readLacks(ctx context.Context, wanted []lack) []*dataloader.Result[[]*upstream.Activity] {
	results := make([]*dataloader.Result[[]*upstream.Activity], len(wanted))
	for i, want := range wanted {
		rows, err := try(ctx, func(ctx context.Context) ([]*upstream.Activity, error) { return r.again(ctx, want.from, want.section) })
		results[i] = &dataloader.Result[[]*upstream.Activity]{Data: rows, Error: err}
	}
	return results
}
