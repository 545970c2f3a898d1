package resolvers

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// Inventory serves what a project consists of, as the caller may see it. Each list is whole.
type Inventory interface {
	Groups(ctx context.Context, p upstream.Project) (upstream.Snapshot[upstream.GroupDetails], error)
	Group(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.GroupDetails], error)
	Instances(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.GroupInstance], error)
	GroupPolicies(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.Policy], error)
	ProjectPolicies(ctx context.Context, p upstream.Project) (upstream.Snapshot[upstream.Policy], error)
}

// maxShown is how many groups of a project are read one by one if the caller may not list them.
const maxShown = 10

// detailsWait is how long the first field that needs details waits for others to join its batch.
const detailsWait = time.Millisecond

// detailsLoader gathers the groups whose details a request needs, so that the groups of one project share a call.
type detailsLoader struct {
	once   sync.Once
	loader *dataloader.Loader[upstream.Group, *model.ScalingGroupDetails]

	mu     sync.Mutex
	groups map[upstream.Project]map[string]bool // that the request names
}

// expect notes that the request names groups, before their fields are resolved: if it names several of one project, their details are
// worth a list call, however many of them arrive in the first batch.
func (l *detailsLoader) expect(groups ...upstream.Group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.groups == nil {
		l.groups = map[upstream.Project]map[string]bool{}
	}
	for _, g := range groups {
		p := projectOf(g)
		if l.groups[p] == nil {
			l.groups[p] = map[string]bool{}
		}
		l.groups[p][g.ID] = true
	}
}

func (l *detailsLoader) severalOf(p upstream.Project) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.groups[p]) > 1
}

func projectOf(g upstream.Group) upstream.Project {
	return upstream.Project{Region: g.Region, ID: g.Project}
}

// details returns the attributes of a group.
func (r *Resolver) details(ctx context.Context, g upstream.Group) (*model.ScalingGroupDetails, error) {
	l := &loadersFrom(ctx).details
	l.once.Do(func() {
		l.loader = dataloader.NewBatchedLoader(func(ctx context.Context, groups []upstream.Group) []*dataloader.Result[*model.ScalingGroupDetails] {
			return r.loadDetails(ctx, groups)
		}, dataloader.WithWait[upstream.Group, *model.ScalingGroupDetails](detailsWait))
	})
	d, err := l.loader.Load(ctx, g)()
	return d, rethrown(err)
}

// groupName returns nil without an error if the details cannot be read.
func (r *Resolver) groupName(ctx context.Context, g upstream.Group) (*string, error) {
	d, err := r.details(ctx, g)
	if err != nil {
		return nil, nil //nolint:nilerr // the contract: details has the error
	}
	return &d.Name, nil
}

func (r *Resolver) loadDetails(ctx context.Context, groups []upstream.Group) []*dataloader.Result[*model.ScalingGroupDetails] {
	return byProject(ctx, groups, func(ctx context.Context, p upstream.Project, indices []int, results []*dataloader.Result[*model.ScalingGroupDetails]) {
		r.loadProjectDetails(ctx, p, groups, indices, results)
	})
}

// byProject has load fill the results of the groups of each project, whose indices it gets, for all projects at once.
func byProject[V any](ctx context.Context, groups []upstream.Group, load func(ctx context.Context, p upstream.Project, indices []int, results []*dataloader.Result[V])) []*dataloader.Result[V] {
	projects := map[upstream.Project][]int{}
	for i, g := range groups {
		projects[projectOf(g)] = append(projects[projectOf(g)], i)
	}
	results := make([]*dataloader.Result[V], len(groups))
	var wg sync.WaitGroup
	for p, indices := range projects {
		wg.Go(func() {
			_, err := try(ctx, func(ctx context.Context) (struct{}, error) {
				load(ctx, p, indices, results)
				return struct{}{}, nil
			})
			for _, i := range indices {
				if results[i] == nil {
					results[i] = &dataloader.Result[V]{Error: err}
				}
			}
		})
	}
	wg.Wait()
	return results
}

// loadProjectDetails fills the results of the groups of one project: a show call for a single group, the list for several.
func (r *Resolver) loadProjectDetails(ctx context.Context, p upstream.Project, groups []upstream.Group, indices []int, results []*dataloader.Result[*model.ScalingGroupDetails]) {
	single := len(indices) == 1 && !loadersFrom(ctx).details.severalOf(p)
	if single {
		results[indices[0]] = r.showDetails(ctx, groups[indices[0]])
		if !errors.Is(results[indices[0]].Error, upstream.ErrForbidden) {
			return
		}
	}
	list, err := r.groupList(ctx, p)
	byID := make(map[string]*upstream.GroupDetails, len(list.Entries))
	for _, d := range list.Entries {
		byID[d.Group.ID] = d
	}
	mayShow := err == nil || errors.Is(err, upstream.ErrForbidden) && len(indices) <= maxShown
	parallel(ctx, len(indices), func(n int) error {
		i := indices[n]
		switch d := byID[groups[i].ID]; {
		case d != nil:
			results[i] = detailsResult(d, list, nil)
		case single: // it was shown, and that was refused
		case mayShow:
			results[i] = r.showDetails(ctx, groups[i])
		default:
			results[i] = detailsResult(nil, list, err)
		}
		return nil
	})
}

func (r *Resolver) showDetails(ctx context.Context, g upstream.Group) *dataloader.Result[*model.ScalingGroupDetails] {
	s, err := r.Inventory.Group(ctx, g)
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

// groupList returns the groups of a project, read once for a request.
func (r *Resolver) groupList(ctx context.Context, p upstream.Project) (upstream.Snapshot[upstream.GroupDetails], error) {
	return loadersFrom(ctx).groupLists.do(ctx, p, 0, func(ctx context.Context) (upstream.Snapshot[upstream.GroupDetails], error) {
		return r.Inventory.Groups(ctx, p)
	})
}
