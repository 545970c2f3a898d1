package resolvers

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/model"
	"scalegraph/resolvers/globalid"
	"scalegraph/resolvers/loaders"
	"scalegraph/upstream"
)

// maxGroups bounds the groups, and the ids, in the arguments of one field.
const maxGroups = 100

// group returns the group of a reference, with defaults for absent fields. It does not check whether the group exists: no upstream call is
// made before one of its fields is read.
func (r *Resolver) group(ref model.ScalingGroupRef) (upstream.Group, error) {
	g := upstream.Group{Region: r.Region, Project: r.DefaultProject, ID: ref.GroupID}
	if ref.ProjectID != nil {
		g.Project = *ref.ProjectID
	}
	if ref.Region != nil {
		g.Region = *ref.Region
	}
	return g, r.checkGroup(g)
}

// checkGroup rejects a group that no upstream call can name.
func (r *Resolver) checkGroup(g upstream.Group) error {
	if err := checkID("groupId", g.ID); err != nil {
		return err
	}
	return r.checkProject(projectOf(g))
}

// checkProject rejects a project without an id, with an invalid one, or in an unknown region.
func (r *Resolver) checkProject(p upstream.Project) error {
	switch {
	case p.ID == "":
		return InvalidArgument("projectId", "must be given, because this server has no default project")
	case !r.regions[p.Region]:
		return InvalidArgument("region", fmt.Sprintf("is %.40q, which this server does not know", p.Region))
	}
	return checkID("projectId", p.ID)
}

// checkID rejects invalid ids. Ids become segments of URL paths, so no call may be made with an invalid one.
func checkID(argument, id string) error {
	if !upstream.ValidID(id) {
		return InvalidArgument(argument, "must be 1 to 64 letters, digits, `_` or `-`")
	}
	return nil
}

func (r *Resolver) scalingGroup(ctx context.Context, ref model.ScalingGroupRef) (*upstream.Group, error) {
	g, err := r.group(ref)
	if err != nil {
		return nil, err
	}
	loaders.From(ctx).Expect(g)
	return &g, nil
}

// scalingGroups resolves a list of references. An invalid one becomes null with an error of its own.
func (r *Resolver) scalingGroups(ctx context.Context, refs []*model.ScalingGroupRef) ([]*upstream.Group, error) {
	if len(refs) > maxGroups {
		return nil, tooMany("groups", len(refs))
	}
	groups := make([]*upstream.Group, len(refs))
	for i, ref := range refs {
		g, err := r.scalingGroup(ctx, *ref)
		if err != nil {
			addErrorAt(ctx, i, err)
			continue
		}
		groups[i] = g
	}
	return groups, nil
}

// feedGroups returns the canonical form of a feed's groups: sorted, without repeats.
func (r *Resolver) feedGroups(refs []*model.ScalingGroupRef) ([]upstream.Group, error) {
	if len(refs) > maxGroups {
		return nil, tooMany("groups", len(refs))
	}
	if len(refs) == 0 {
		return nil, InvalidArgument("groups", "must name at least one group")
	}
	groups := make([]upstream.Group, len(refs))
	for i, ref := range refs {
		g, err := r.group(*ref)
		if err != nil {
			return nil, wrapArgument(fmt.Sprintf("groups[%d]", i), err)
		}
		groups[i] = g
	}
	slices.SortFunc(groups, upstream.Group.Compare)
	return slices.Compact(groups), nil
}

func tooMany(argument string, n int) error {
	return InvalidArgument(argument, fmt.Sprintf("must hold at most %d entries, not %d", maxGroups, n))
}

// addErrorAt reports the error of one entry of the list that the field in ctx resolves to.
func addErrorAt(ctx context.Context, index int, err error) {
	at := graphql.WithPathContext(ctx, graphql.NewPathWithIndex(index))
	graphql.AddError(at, graphql.AddFieldLocationToError(at, err))
}

func projectOf(g upstream.Group) upstream.Project {
	return upstream.Project{Region: g.Region, ID: g.Project}
}

// groupName returns nil without an error if the details cannot be read.
func (r *Resolver) groupName(ctx context.Context, g upstream.Group) (*string, error) {
	d, err := r.load.Details(ctx, g)
	if err != nil {
		return nil, nil //nolint:nilerr // the contract: the field details has the error
	}
	return &d.Name, nil
}

// node resolves a global id. Groups and projects are not checked for existence, so they need no upstream call.
func (r *Resolver) node(ctx context.Context, argument, id string) (model.Node, error) {
	o, ok := globalid.Parse(id)
	if !ok {
		return nil, InvalidArgument(argument, "is not an id of this server")
	}
	if o.Group.ID == "" {
		p := projectOf(o.Group)
		if err := r.checkProject(p); err != nil {
			return nil, wrapArgument(argument, err)
		}
		return &p, nil
	}
	if err := r.checkGroup(o.Group); err != nil {
		return nil, wrapArgument(argument, err)
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

// nodes resolves global ids concurrently. The result has their order; an id that fails becomes null with an error of its own.
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
