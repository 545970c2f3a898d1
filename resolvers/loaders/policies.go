package loaders

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/graph-gophers/dataloader/v7"

	"scalegraph/upstream"
)

// PolicyList is the policies of one group, by name, then id.
type PolicyList = upstream.Snapshot[upstream.Policy]

// policiesLoader batches the reads of policies in a request, so that the groups of one project share calls.
type policiesLoader struct {
	once   sync.Once
	loader *dataloader.Loader[upstream.Group, PolicyList]
	lists  Memo[upstream.Project, PolicyList]
}

// Policies returns the policies of a group.
func (l *Loader) Policies(ctx context.Context, g upstream.Group) (PolicyList, error) {
	s := &From(ctx).policies
	s.once.Do(func() {
		s.loader = dataloader.NewBatchedLoader(l.loadPolicies, dataloader.WithWait[upstream.Group, PolicyList](batchWait))
	})
	list, err := s.loader.Load(ctx, g)()
	return list, repanic(err)
}

func (l *Loader) loadPolicies(ctx context.Context, groups []upstream.Group) []*dataloader.Result[PolicyList] {
	return byProject(ctx, groups, func(ctx context.Context, p upstream.Project, indices []int, results []*dataloader.Result[PolicyList]) {
		l.loadProjectPolicies(ctx, p, groups, indices, results)
	})
}

// loadProjectPolicies fills the results of the groups of one project: from the group's own list for a single group, from the project's for
// several. If one of the two is rejected, the other is read.
func (l *Loader) loadProjectPolicies(ctx context.Context, p upstream.Project, groups []upstream.Group, indices []int, results []*dataloader.Result[PolicyList]) {
	single := len(indices) == 1 && !From(ctx).expectsSeveral(p)
	if single {
		results[indices[0]] = l.ownPolicies(ctx, groups[indices[0]])
		if !errors.Is(results[indices[0]].Error, upstream.ErrForbidden) {
			return
		}
	}
	list, err := From(ctx).policies.lists.Do(ctx, p, 0, func(ctx context.Context) (PolicyList, error) {
		return l.sources.Inventory.ProjectPolicies(ctx, p)
	})
	switch {
	case err != nil && single: // the group's own list was rejected, which is the result
		return
	case err != nil && !errors.Is(err, upstream.ErrForbidden):
		for _, i := range indices {
			results[i] = &dataloader.Result[PolicyList]{Error: err}
		}
		return
	}
	var missing []int
	for _, i := range indices {
		if own := policiesOf(groups[i], list); err == nil && len(own.Entries) > 0 {
			results[i] = &dataloader.Result[PolicyList]{Data: own}
		} else if !single {
			missing = append(missing, i)
		}
	}
	l.loadMissingPolicies(ctx, p, groups, missing, list, err == nil, results)
}

// loadMissingPolicies fills the results of groups that the project's list has no policies of. If the list was read, a group that the caller may
// list has none; any other may be one that the caller does not see, or none at all, so its own list is read.
func (l *Loader) loadMissingPolicies(ctx context.Context, p upstream.Project, groups []upstream.Group, missing []int, list PolicyList, listed bool, results []*dataloader.Result[PolicyList]) {
	visible := map[string]bool{}
	if listed && len(missing) > 0 { // even for one: others may be in a later batch
		all, _ := l.GroupList(ctx, p) // if it cannot be read, no group is known to be visible
		for _, d := range all.Entries {
			visible[d.Group.ID] = true
		}
	}
	Parallel(ctx, len(missing), func(n int) error {
		i := missing[n]
		if visible[groups[i].ID] {
			results[i] = &dataloader.Result[PolicyList]{Data: policiesOf(groups[i], list)}
		} else {
			results[i] = l.ownPolicies(ctx, groups[i])
		}
		return nil
	})
}

func (l *Loader) ownPolicies(ctx context.Context, g upstream.Group) *dataloader.Result[PolicyList] {
	list, err := l.sources.Inventory.GroupPolicies(ctx, g)
	if err != nil {
		return &dataloader.Result[PolicyList]{Error: err}
	}
	return &dataloader.Result[PolicyList]{Data: policiesOf(g, list)}
}

// policiesOf returns the policies of a group among those of a list, by name, then id. Policies of bandwidths have no group.
func policiesOf(g upstream.Group, list PolicyList) PolicyList {
	own := []*upstream.Policy{}
	for _, p := range list.Entries {
		if p.Group == g {
			own = append(own, p)
		}
	}
	slices.SortFunc(own, func(a, b *upstream.Policy) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Ref.ID, b.Ref.ID)
	})
	list.Entries = own
	return list
}
