package resolvers

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// maxGroups is the most groups, or ids, that one field takes.
const maxGroups = 100

// maxIDLength bounds the ids of groups and projects, in bytes; real ones have 36. They come back in every field that names a
// group, so a long one would make a small query a large answer.
const maxIDLength = 128

// group fills in the defaults of a reference. It costs nothing upstream: whether the group exists shows when it is read.
func (r *Resolver) group(ref model.ScalingGroupRef) (upstream.Group, error) {
	g := upstream.Group{Region: r.Region, Project: r.Project, ID: ref.GroupID}
	if ref.ProjectID != nil {
		g.Project = *ref.ProjectID
	}
	if ref.Region != nil {
		g.Region = *ref.Region
	}
	return g, r.known(g)
}

// known refuses a group that cannot be asked for.
func (r *Resolver) known(g upstream.Group) error {
	switch {
	case g.ID == "":
		return Input("groupId", "must not be empty")
	case g.Project == "":
		return Input("projectId", "must be given, because this server has no default project")
	case !r.regions[g.Region]:
		return Input("region", fmt.Sprintf("is %.40q, which this server does not know", g.Region))
	case len(g.ID) > maxIDLength:
		return Input("groupId", fmt.Sprintf("is longer than %d bytes", maxIDLength))
	case len(g.Project) > maxIDLength:
		return Input("projectId", fmt.Sprintf("is longer than %d bytes", maxIDLength))
	case isDots(g.ID):
		return Input("groupId", "is not an id")
	case isDots(g.Project):
		return Input("projectId", "is not an id")
	}
	return nil
}

// isDots tells the path segments that servers and proxies resolve away, however they are escaped.
func isDots(s string) bool { return s == "." || s == ".." }

func (r *Resolver) scalingGroup(ref model.ScalingGroupRef) (*upstream.Group, error) {
	g, err := r.group(ref)
	if err != nil {
		return nil, err
	}
	return &g, nil
}

// scalingGroups answers null with its own error for each reference that cannot be asked for.
func (r *Resolver) scalingGroups(ctx context.Context, refs []*model.ScalingGroupRef) ([]*upstream.Group, error) {
	if len(refs) > maxGroups {
		return nil, tooMany("groups", len(refs))
	}
	groups := make([]*upstream.Group, len(refs))
	for i, ref := range refs {
		g, err := r.scalingGroup(*ref)
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
		return nil, Input("groups", "must name at least one group")
	}
	groups := make([]upstream.Group, len(refs))
	for i, ref := range refs {
		g, err := r.group(*ref)
		if err != nil {
			return nil, within(fmt.Sprintf("groups[%d]", i), err)
		}
		groups[i] = g
	}
	slices.SortFunc(groups, upstream.Group.Compare)
	return slices.Compact(groups), nil
}

func tooMany(argument string, n int) error {
	return Input(argument, fmt.Sprintf("must hold at most %d entries, not %d", maxGroups, n))
}

// addErrorAt reports the error of one entry of the list that the field in ctx answers.
func addErrorAt(ctx context.Context, index int, err error) {
	at := graphql.WithPathContext(ctx, graphql.NewPathWithIndex(index))
	graphql.AddError(at, graphql.AddFieldLocationToError(at, err))
}
