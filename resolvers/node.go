package resolvers

import (
	"context"
	"fmt"

	"scalegraph/graph/model"
	"scalegraph/resolvers/globalid"
	"scalegraph/resolvers/loaders"
)

// node answers the object of a global id. A group costs nothing upstream.
func (r *Resolver) node(ctx context.Context, argument, id string) (model.Node, error) {
	o, ok := globalid.Parse(id)
	if !ok {
		return nil, Input(argument, "is not an id of this server")
	}
	if o.Group.ID == "" {
		p := projectOf(o.Group)
		if err := r.knownProject(p); err != nil {
			return nil, within(argument, err)
		}
		return &p, nil
	}
	if err := r.known(o.Group); err != nil {
		return nil, within(argument, err)
	}
	if o.PolicyID != "" {
		return r.policyNode(ctx, argument, o)
	}
	if o.LogID == "" {
		loaders.From(ctx).Expect(o.Group)
		return &o.Group, nil
	}
	if err := checkID(argument, o.LogID); err != nil {
		return nil, err
	}
	found, err := r.activity(ctx, o.Group, o.LogID)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errNode
	}
	return found, nil
}

// nodes answers the objects of many ids, in their order; null with its own error for one that cannot be had.
func (r *Resolver) nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	if len(ids) > maxGroups {
		return nil, tooMany("ids", len(ids))
	}
	found := make([]model.Node, len(ids))
	errs := loaders.Parallel(ctx, len(ids), func(i int) (err error) {
		found[i], err = r.node(ctx, fmt.Sprintf("ids[%d]", i), ids[i])
		return err
	})
	for i, err := range errs {
		if err != nil {
			addErrorAt(ctx, i, err)
		}
	}
	return found, nil
}
