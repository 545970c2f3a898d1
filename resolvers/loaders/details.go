package loaders

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// maxSingleReads bounds the groups of a project that are read one by one if the caller may not list them.
const maxSingleReads = 10

// batchWait is how long the first field of a batch waits for others.
const batchWait = time.Millisecond

// detailsLoader batches the reads of group details in a request, so that the groups of one project share a call.
type detailsLoader struct {
	once   sync.Once
	loader *dataloader.Loader[upstream.Group, *model.ScalingGroupDetails]

	mu       sync.Mutex
	expected map[upstream.Project]map[string]bool // groups that the request names
}

// Expect records that the request names groups, before their fields are resolved: if it names several of one project, their details are worth a
// list call, however many of them are in the first batch.
func (s *State) Expect(groups ...upstream.Group) {
	d := &s.details
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.expected == nil {
		d.expected = map[upstream.Project]map[string]bool{}
	}
	for _, g := range groups {
		p := projectOf(g)
		if d.expected[p] == nil {
			d.expected[p] = map[string]bool{}
		}
		d.expected[p][g.ID] = true
	}
}

// expectsSeveral reports whether the request names more than one group of a project.
func (s *State) expectsSeveral(p upstream.Project) bool {
	s.details.mu.Lock()
	defer s.details.mu.Unlock()
	return len(s.details.expected[p]) > 1
}

// Details returns the attributes of a group.
func (l *Loader) Details(ctx context.Context, g upstream.Group) (*model.ScalingGroupDetails, error) {
	s := &From(ctx).details
	s.once.Do(func() {
		s.loader = dataloader.NewBatchedLoader(l.loadDetails, dataloader.WithWait[upstream.Group, *model.ScalingGroupDetails](batchWait))
	})
	d, err := s.loader.Load(ctx, g)()
	return d, repanic(err)
}

func (l *Loader) loadDetails(ctx context.Context, groups []upstream.Group) []*dataloader.Result[*model.ScalingGroupDetails] {
	return byProject(ctx, groups, func(ctx context.Context, p upstream.Project, indices []int, results []*dataloader.Result[*model.ScalingGroupDetails]) {
		l.loadProjectDetails(ctx, p, groups, indices, results)
	})
}

// loadProjectDetails fills the results of the groups of one project: a show call for a single group, the list for several.
func (l *Loader) loadProjectDetails(ctx context.Context, p upstream.Project, groups []upstream.Group, indices []int, results []*dataloader.Result[*model.ScalingGroupDetails]) {
	single := len(indices) == 1 && !From(ctx).expectsSeveral(p)
	if single {
		results[indices[0]] = l.showDetails(ctx, groups[indices[0]])
		if !errors.Is(results[indices[0]].Error, upstream.ErrForbidden) {
			return
		}
	}
	list, err := l.GroupList(ctx, p)
	byID := make(map[string]*upstream.GroupDetails, len(list.Entries))
	for _, d := range list.Entries {
		byID[d.Group.ID] = d
	}
	mayShow := err == nil || errors.Is(err, upstream.ErrForbidden) && len(indices) <= maxSingleReads
	Parallel(ctx, len(indices), func(n int) error {
		i := indices[n]
		switch d := byID[groups[i].ID]; {
		case d != nil:
			results[i] = detailsResult(d, list, nil)
		case single: // the show call was rejected
		case mayShow:
			results[i] = l.showDetails(ctx, groups[i])
		default:
			results[i] = detailsResult(nil, list, err)
		}
		return nil
	})
}

func (l *Loader) showDetails(ctx context.Context, g upstream.Group) *dataloader.Result[*model.ScalingGroupDetails] {
	s, err := l.sources.Inventory.Group(ctx, g)
	if err != nil {
		return detailsResult(nil, s, err)
	}
	return detailsResult(s.Entries[0], s, nil)
}

func detailsResult(d *upstream.GroupDetails, from upstream.Snapshot[upstream.GroupDetails], err error) *dataloader.Result[*model.ScalingGroupDetails] {
	if err != nil {
		return &dataloader.Result[*model.ScalingGroupDetails]{Error: err}
	}
	return &dataloader.Result[*model.ScalingGroupDetails]{Data: &model.ScalingGroupDetails{GroupDetails: d, AsOf: from.AsOf, Stale: from.Stale}}
}
