package resolvers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/internal/apierr"
	"scalegraph/internal/insights"
	"scalegraph/resolvers/loaders"
	"scalegraph/resolvers/selection"
	"scalegraph/upstream"
)

const (
	defaultPassRows = 2000
	// maxPassRows is the most rows that one pass over the logs reads.
	maxPassRows   = 20_000
	defaultPoints = 200
	defaultZone   = "UTC"
)

// passRows checks maxRows.
func passRows(maxRows *int32) (int, error) {
	if maxRows == nil {
		return defaultPassRows, nil
	}
	if *maxRows < 1 || *maxRows > maxPassRows {
		return 0, InvalidArgument("maxRows", fmt.Sprintf("must be 1 to %d, not %d", maxPassRows, *maxRows))
	}
	return int(*maxRows), nil
}

// capacityPoints checks points. There are no more points than rows.
func capacityPoints(points *int32) (int, error) {
	if points == nil {
		return defaultPoints, nil
	}
	if *points < insights.MinPoints {
		return 0, InvalidArgument("points", fmt.Sprintf("must be at least %d, not %d", insights.MinPoints, *points))
	}
	return min(int(*points), maxPassRows), nil
}

// bucketsOf checks the arguments of a histogram.
func bucketsOf(interval insights.Interval, timeZone *string) (insights.Buckets, error) {
	b := insights.Buckets{Interval: interval, Zone: defaultZone}
	if timeZone != nil {
		b.Zone = *timeZone
	}
	if _, ok := insights.LoadZone(b.Zone); !ok {
		return b, InvalidArgument("timeZone", fmt.Sprintf("is %.40q, which is not an IANA time zone", b.Zone))
	}
	return b, nil
}

// scalingInsights returns figures over some groups.
func (r *Resolver) scalingInsights(ctx context.Context, refs []*model.ScalingGroupRef, in *model.ScalingActivityFilter, maxRows *int32) (*model.ScalingInsights, error) {
	groups, err := r.feedGroups(refs)
	if err != nil {
		return nil, err
	}
	p, err := newPass(ctx, in, maxRows)
	if err != nil {
		return nil, err
	}
	return r.insights(ctx, groups, p)
}

// projectInsights returns figures over the groups of a project that match.
func (r *Resolver) projectInsights(ctx context.Context, of upstream.Project, filter *model.ScalingGroupFilter, in *model.ScalingActivityFilter, maxRows *int32) (*model.ScalingInsights, error) {
	if _, err := groupFilterKey(filter); err != nil {
		return nil, wrapArgument("groups", err)
	}
	p, err := newPass(ctx, in, maxRows)
	if err != nil {
		return nil, err
	}
	list, err := r.load.GroupList(ctx, of)
	if err != nil {
		return nil, err
	}
	groups, err := feedGroupsOf(list, filter)
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		return &model.ScalingInsights{Complete: true, AsOf: list.AsOf, Stale: list.Stale, Figures: insights.New(p.spec)}, nil
	}
	result, err := r.insights(ctx, groups, p)
	if err != nil {
		return nil, err
	}
	dated := *result // a field over the same groups that needs no list may share the result
	if list.AsOf.Before(dated.AsOf) {
		dated.AsOf = list.AsOf
	}
	dated.Stale = dated.Stale || list.Stale
	return &dated, nil
}

// passPlan holds the rows that one pass over the logs reads and the figures that it computes.
type passPlan struct {
	filter  upstream.Filter
	maxRows int
	insightsSelection
}

func newPass(ctx context.Context, in *model.ScalingActivityFilter, maxRows *int32) (passPlan, error) {
	var p passPlan
	var err error
	if p.filter, err = filterOf(in); err != nil {
		return p, err
	}
	if p.maxRows, err = passRows(maxRows); err != nil {
		return p, err
	}
	p.insightsSelection, err = selectedInsights(ctx)
	return p, err
}

// insights makes the pass, or waits for an equal one of the same request.
func (r *Resolver) insights(ctx context.Context, groups []upstream.Group, p passPlan) (*model.ScalingInsights, error) {
	loaders.From(ctx).Expect(groups...)
	key := loaders.InsightsKey{Groups: loaders.GroupsKey(groups), Filter: p.filter.Key(), MaxRows: p.maxRows, Spec: fmt.Sprint(p.spec)}
	return loaders.From(ctx).Insights.Do(ctx, key, p.sections, func(ctx context.Context) (*model.ScalingInsights, error) {
		return r.readInsights(ctx, groups, p)
	})
}

func (r *Resolver) readInsights(ctx context.Context, groups []upstream.Group, p passPlan) (*model.ScalingInsights, error) {
	figures := insights.New(p.spec)
	q := insights.Query{Groups: groups, Filter: p.filter, MaxRows: p.maxRows, Sections: p.sections, GroupFault: concernsGroup}
	pass, err := insights.Read(ctx, r.Pages, q, figures.Add)
	if err == nil && len(pass.Failed) == len(groups) && pass.AsOf.IsZero() {
		err = mostCommonError(pass.Failed)
	}
	if err != nil {
		return nil, err
	}
	result := &model.ScalingInsights{
		ActivityCount: scalar.ClampInt(pass.Count), Complete: pass.Complete, Newest: timeOrNil(pass.Newest), Oldest: timeOrNil(pass.Oldest),
		AsOf: pass.AsOf, Stale: pass.Stale, UnavailableGroups: r.unavailable(ctx, pass.Failed), Figures: figures,
	}
	for _, g := range groups {
		if !slices.ContainsFunc(pass.Failed, func(u upstream.Unavailable) bool { return u.Group == g }) {
			result.Groups = append(result.Groups, g)
		}
	}
	return result, nil
}

// concernsGroup reports whether an error leaves a group out. Any other ends the request, or is a fault of ours.
func concernsGroup(err error) bool {
	switch publicError(err).Code {
	case apierr.Internal, apierr.RequestTimeout, apierr.TooComplex:
		return false
	}
	return true
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func insightFailures(of *model.ScalingInsights, first *int32) ([]*model.ScalingFailureGroup, error) {
	n, err := pageSize("first", first)
	if err != nil {
		return nil, err
	}
	groups := []*model.ScalingFailureGroup{}
	for _, g := range of.Figures.Failures.Top(n) {
		groups = append(groups, &model.ScalingFailureGroup{FailureGroup: g, Example: activity(g.Example, nil)})
	}
	return groups, nil
}

func insightHistogram(of *model.ScalingInsights, interval insights.Interval, timeZone *string) ([]*insights.Bucket, error) {
	b, err := bucketsOf(interval, timeZone)
	if err != nil {
		return nil, err
	}
	buckets, err := of.Figures.Histograms[b].All()
	if err != nil {
		return nil, InvalidArgument("interval", fmt.Sprintf("is too short: the activities span more than %d buckets", insights.MaxBuckets))
	}
	return buckets, nil
}

func insightCapacity(of *model.ScalingInsights, points *int32) ([]*model.ScalingCapacity, error) {
	n, err := capacityPoints(points)
	if err != nil {
		return nil, err
	}
	curves := []*model.ScalingCapacity{}
	for _, g := range of.Groups {
		curves = append(curves, &model.ScalingCapacity{Group: g, Points: of.Figures.Capacities[n].Of(g)})
	}
	return curves, nil
}

// The types that a fragment on each object may name.
var (
	ofInsights     = []string{"ScalingInsights"}
	ofFailureGroup = []string{"ScalingFailureGroup"}
)

// insightsSelection holds the selected figures of insights, and the sections of rows that they need.
type insightsSelection struct {
	spec     insights.Spec
	sections upstream.Sections
}

// selectedInsights reads the selection of the field in ctx, together with that of all fields of the operation that differ in nothing but the
// alias. It fails if an argument is rejected, so that no pass is made in vain.
func selectedInsights(ctx context.Context) (insightsSelection, error) {
	op := graphql.GetOperationContext(ctx)
	var s insightsSelection
	for _, set := range selection.EqualFields(ctx) {
		for _, f := range graphql.CollectFields(op, set, ofInsights) {
			if err := s.add(op, f); err != nil {
				return s, err
			}
		}
	}
	s.sections |= s.spec.Sections()
	return s, nil
}

func (s *insightsSelection) add(op *graphql.OperationContext, f graphql.CollectedField) error {
	arguments := f.ArgumentMap(op.Variables)
	switch f.Name {
	case "failures":
		s.spec.Failures = true
		s.addExample(op, f)
		_, err := pageSize("first", intArgument(arguments["first"]))
		return err
	case "histogram":
		interval, _ := arguments["interval"].(string)
		b, err := bucketsOf(insights.Interval(interval), textArgument(arguments["timeZone"]))
		s.spec.Histograms = appendNew(s.spec.Histograms, b)
		return err
	case "durations":
		s.spec.Durations = true
	case "capacity":
		points, err := capacityPoints(intArgument(arguments["points"]))
		s.spec.Capacities = appendNew(s.spec.Capacities, points)
		return err
	}
	return nil
}

// addExample adds the sections that the selected fields of examples need.
func (s *insightsSelection) addExample(op *graphql.OperationContext, f graphql.CollectedField) {
	for _, member := range graphql.CollectFields(op, f.Selections, ofFailureGroup) {
		if member.Name == "example" {
			now, _ := selection.Sections(op, member.Selections)
			s.sections |= now
		}
	}
}

// intArgument returns an Int argument; nil if it is null or, which its own field reports, not an Int.
func intArgument(v any) *int32 {
	if v == nil {
		return nil
	}
	n, err := scalar.UnmarshalInt(v)
	if err != nil {
		return nil
	}
	return &n
}

func textArgument(v any) *string {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	return &text
}

func appendNew[T comparable](list []T, v T) []T {
	for _, known := range list {
		if known == v {
			return list
		}
	}
	return append(list, v)
}
