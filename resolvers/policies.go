package resolvers

import (
	"context"
	"errors"
	"time"

	"scalegraph/graph/model"
	"scalegraph/internal/request"
	"scalegraph/resolvers/blockers"
	"scalegraph/resolvers/globalid"
	"scalegraph/resolvers/loaders"
	"scalegraph/upstream"
)

func (r *Resolver) policies(ctx context.Context, g upstream.Group) ([]*upstream.Policy, error) {
	list, err := r.load.Policies(ctx, g)
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
	list, err := r.load.Policies(ctx, reason.Group)
	if err != nil {
		return nil, err
	}
	return findPolicy(list, *reason.ScalingPolicyID), nil
}

func findPolicy(list loaders.PolicyList, id string) *upstream.Policy {
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
	if o.LogID != "" {
		if err := checkID(argument, o.LogID); err != nil {
			return nil, err
		}
	}
	loaders.From(ctx).Expect(o.Group)
	list, err := r.load.Policies(ctx, o.Group)
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
	found, err := r.load.Execution(ctx, p.Ref, o.LogID)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errNode
	}
	return &model.ScalingPolicyExecution{Execution: found, Policy: p}, nil
}

// newestActivities is how many of the newest activities are searched for the end of the last action.
const newestActivities = 20

// scalingBlockers resolves the blockers of a group. It reads details, policies and activities concurrently, and does without policies or
// activities if they cannot be read.
func (r *Resolver) scalingBlockers(ctx context.Context, g upstream.Group) ([]*model.ScalingBlocker, error) {
	var details *model.ScalingGroupDetails
	var policies loaders.PolicyList
	var page upstream.Page
	errs := loaders.Parallel(ctx, 3, func(i int) (err error) {
		switch i {
		case 0:
			details, err = r.load.Details(ctx, g)
		case 1:
			policies, err = r.load.Policies(ctx, g)
		default:
			page, err = r.load.Page(ctx, upstream.PageQuery{Group: g, Count: newestActivities})
		}
		return err
	})
	for i, err := range errs {
		if err != nil && (i == 0 || ctx.Err() != nil || errors.Is(err, request.ErrTooManyCalls)) {
			return nil, err
		}
	}
	return blockers.Find(details.GroupDetails, policies.Entries, page.Rows, time.Now()), nil
}
