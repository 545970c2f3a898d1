package resolvers

import (
	"context"

	"scalegraph/graph/model"
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
	if err := checkID(argument, o.LogID); err != nil {
		return nil, err
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
