package resolvers

import (
	"context"
	"fmt"

	"scalegraph/graph/model"
)

// node answers the object of a global id. A group costs nothing upstream.
func (r *Resolver) node(ctx context.Context, argument, id string) (model.Node, error) {
	o, ok := readGlobalID(id)
	if !ok {
		return nil, Input(argument, "is not an id of this server")
	}
	if o.group.ID == "" {
		p := projectOf(o.group)
		if err := r.knownProject(p); err != nil {
			return nil, within(argument, err)
		}
		return &p, nil
	}
	if err := r.known(o.group); err != nil {
		return nil, within(argument, err)
	}
	if o.policyID != "" {
		return r.policyNode(ctx, argument, o)
	}
	if o.logID == "" {
		loadersFrom(ctx).details.expect(o.group)
		return &o.group, nil
	}
	if err := checkID(argument, o.logID); err != nil {
		return nil, err
	}
	found, err := r.activity(ctx, o.group, o.logID)
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
	errs := parallel(ctx, len(ids), func(i int) (err error) {
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
