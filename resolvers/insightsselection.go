package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/scalar"
	"scalegraph/internal/insights"
	"scalegraph/resolvers/selection"
	"scalegraph/upstream"
)

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
