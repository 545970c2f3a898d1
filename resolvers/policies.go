package resolvers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/graph-gophers/dataloader/v7"

	"scalegraph/graph/model"
	"scalegraph/resolvers/globalid"
	"scalegraph/upstream"
)

// policyList is the policies of one group, by name, then id.
type policyList = upstream.Snapshot[upstream.Policy]

// policiesLoader gathers the groups whose policies a request needs, so that the groups of one project share calls.
type policiesLoader struct {
	once   sync.Once
	loader *dataloader.Loader[upstream.Group, policyList]
	lists  calls[upstream.Project, policyList]
}

// groupPolicies returns the policies of a group.
func (r *Resolver) groupPolicies(ctx context.Context, g upstream.Group) (policyList, error) {
	l := &loadersFrom(ctx).policies
	l.once.Do(func() {
		l.loader = dataloader.NewBatchedLoader(r.loadPolicies, dataloader.WithWait[upstream.Group, policyList](detailsWait))
	})
	list, err := l.loader.Load(ctx, g)()
	return list, rethrown(err)
}

func (r *Resolver) policies(ctx context.Context, g upstream.Group) ([]*upstream.Policy, error) {
	list, err := r.groupPolicies(ctx, g)
	if err != nil {
		return nil, err
	}
	return list.Entries, nil
}

// reasonPolicy returns nil if the reason names no policy, or one that is gone.
func (r *Resolver) reasonPolicy(ctx context.Context, reason *upstream.Reason) (*upstream.Policy, error) {
	if reason.ScalingPolicyID == nil {
		return nil, nil
	}
	list, err := r.groupPolicies(ctx, reason.Group)
	if err != nil {
		return nil, err
	}
	return findPolicy(list, *reason.ScalingPolicyID), nil
}

func findPolicy(list policyList, id string) *upstream.Policy {
	for _, p := range list.Entries {
		if p.Ref.ID == id {
			return p
		}
	}
	return nil
}

// policyNode returns the policy, or the execution of a policy, that a global id names.
func (r *Resolver) policyNode(ctx context.Context, argument string, o globalid.Object) (model.Node, error) {
	if err := checkID(argument, o.PolicyID); err != nil {
		return nil, err
	}
	loadersFrom(ctx).details.expect(o.Group)
	list, err := r.groupPolicies(ctx, o.Group)
	if err != nil {
		return nil, err
	}
	p := findPolicy(list, o.PolicyID)
	switch {
	case p == nil:
		return nil, errNode
	case o.LogID == "":
		return p, nil
	}
	if err := checkID(argument, o.LogID); err != nil {
		return nil, err
	}
	found, err := r.Executions.Execution(ctx, p.Ref, o.LogID)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errNode
	}
	return &model.ScalingPolicyExecution{Execution: found, Policy: p}, nil
}

func (r *Resolver) loadPolicies(ctx context.Context, groups []upstream.Group) []*dataloader.Result[policyList] {
	return byProject(ctx, groups, func(ctx context.Context, p upstream.Project, indices []int, results []*dataloader.Result[policyList]) {
		r.loadProjectPolicies(ctx, p, groups, indices, results)
	})
}

// loadProjectPolicies fills the results of the groups of one project: from the group's own list for a single group, from the project's for
// several. If one of the two is refused, the other is read.
func (r *Resolver) loadProjectPolicies(ctx context.Context, p upstream.Project, groups []upstream.Group, indices []int, results []*dataloader.Result[policyList]) {
	single := len(indices) == 1 && !loadersFrom(ctx).details.severalOf(p)
	if single {
		results[indices[0]] = r.ownPolicies(ctx, groups[indices[0]])
		if !errors.Is(results[indices[0]].Error, upstream.ErrForbidden) {
			return
		}
	}
	list, err := loadersFrom(ctx).policies.lists.do(ctx, p, 0, func(ctx context.Context) (policyList, error) {
		return r.Inventory.ProjectPolicies(ctx, p)
	})
	switch {
	case err != nil && single: // the group's own list was refused, and that stands
		return
	case err != nil && !errors.Is(err, upstream.ErrForbidden):
		for _, i := range indices {
			results[i] = &dataloader.Result[policyList]{Error: err}
		}
		return
	}
	var missing []int
	for _, i := range indices {
		if own := policiesOf(groups[i], list); err == nil && len(own.Entries) > 0 {
			results[i] = &dataloader.Result[policyList]{Data: own}
		} else if !single {
			missing = append(missing, i)
		}
	}
	r.loadMissingPolicies(ctx, p, groups, missing, list, err == nil, results)
}

// loadMissingPolicies fills the results of groups that the project's list has no policies of. If the list was read, a group that the caller may
// list has none; any other may be one that the caller does not see, or none at all, so its own list is read.
func (r *Resolver) loadMissingPolicies(ctx context.Context, p upstream.Project, groups []upstream.Group, missing []int, list policyList, listed bool, results []*dataloader.Result[policyList]) {
	visible := map[string]bool{}
	if listed && len(missing) > 1 {
		all, _ := r.groupList(ctx, p) // if it cannot be read, no group is known to be visible
		for _, d := range all.Entries {
			visible[d.Group.ID] = true
		}
	}
	parallel(ctx, len(missing), func(n int) error {
		i := missing[n]
		if visible[groups[i].ID] {
			results[i] = &dataloader.Result[policyList]{Data: policiesOf(groups[i], list)}
		} else {
			results[i] = r.ownPolicies(ctx, groups[i])
		}
		return nil
	})
}

func (r *Resolver) ownPolicies(ctx context.Context, g upstream.Group) *dataloader.Result[policyList] {
	list, err := r.Inventory.GroupPolicies(ctx, g)
	if err != nil {
		return &dataloader.Result[policyList]{Error: err}
	}
	return &dataloader.Result[policyList]{Data: policiesOf(g, list)}
}

// policiesOf returns the policies of a group among those of a list, by name, then id. Policies of bandwidths have no group.
func policiesOf(g upstream.Group, list policyList) policyList {
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
