package resolvers

import (
	"math"

	"scalegraph/graph"
	"scalegraph/graph/model"
	"scalegraph/internal/insights"
	"scalegraph/upstream"
)

// Complexity prices a query: the fields selected, times the rows requested. A list within a row counts as one entry, because its length is known
// only when it has been read.
func Complexity() graph.ComplexityRoot {
	var c graph.ComplexityRoot
	c.Query.Nodes = func(child int, ids []string) int { return price(child, len(ids)) }
	c.Query.ScalingGroups = func(child int, groups []*model.ScalingGroupRef) int { return price(child, len(groups)) }
	c.Query.ScalingActivities = func(child int, groups []*model.ScalingGroupRef, _ *model.ScalingActivityFilter, first *int32, _ *string, last *int32, _ *string) int {
		return plus(price(child, requestedRows(first, last)), len(groups)) // each group is asked
	}
	changes := func(child int, groups []*model.ScalingGroupRef, _ *model.ScalingActivityFilter, _ *string) int {
		return plus(child+1, len(groups)) // of each event, and each group is read
	}
	c.Subscription.ScalingActivityChanged, c.Subscription.ScalingFeed = changes, changes
	c.ScalingGroup.Activities = func(child int, _ *model.ScalingActivityFilter, first *int32, _ *string, last *int32, _ *string, _ *int32) int {
		return price(child, requestedRows(first, last))
	}
	c.Project.ScalingGroups = func(child int, _ *model.ScalingGroupFilter, first *int32, _ *string, last *int32, _ *string) int {
		return price(child, requestedRows(first, last))
	}
	c.Project.ScalingActivities = func(child int, _ *model.ScalingGroupFilter, _ *model.ScalingActivityFilter, first *int32, _ *string, last *int32, _ *string) int {
		return plus(price(child, requestedRows(first, last)), maxGroups) // how many groups are read shows only when they are listed
	}
	c.ScalingGroup.Instances = func(child int, _ *model.ScalingGroupInstanceFilter, first *int32, _ *string, last *int32, _ *string) int {
		return price(child, requestedRows(first, last))
	}
	c.ScalingGroupInstance.Activities = func(child int, first, maxRows *int32) int {
		calls := 0
		if maxRows != nil {
			calls = max(0, int(*maxRows)) / upstream.MaxLimit
		}
		return plus(price(child, requestedRows(first, nil)), calls)
	}
	c.ScalingGroup.PolicyExecutions = func(child int, _ *model.ScalingPolicyExecutionFilter, first *int32, _ *string, last *int32, _ *string) int {
		return plus(price(child, requestedRows(first, last)), maxPolicies) // the log of each policy is read
	}
	c.ScalingPolicy.Executions = func(child int, _ *model.ScalingPolicyExecutionFilter, first *int32, _ *string, last *int32, _ *string) int {
		return price(child, requestedRows(first, last))
	}
	c.Query.ScalingInsights = func(child int, groups []*model.ScalingGroupRef, _ *model.ScalingActivityFilter, maxRows *int32) int {
		return plus(plus(child, passPrice(maxRows)), len(groups))
	}
	c.Project.ScalingInsights = func(child int, _ *model.ScalingGroupFilter, _ *model.ScalingActivityFilter, maxRows *int32) int {
		return plus(plus(child, passPrice(maxRows)), maxGroups)
	}
	c.ScalingInsights.Failures = func(child int, first *int32) int { return price(child, requestedRows(first, nil)) }
	c.ScalingInsights.Histogram = func(child int, _ insights.Interval, _ *string) int { return price(child, pricedBuckets) }
	c.ScalingInsights.Capacity = func(child int, points *int32) int { return price(child, pricedPoints(points)) }
	c.ScalingActivitySummary.ByType = func(child int) int { return price(child, len(upstream.Types())+1) }
	return c
}

const (
	// rowsPerPoint is the number of rows of a pass that cost as much as one field in a response.
	rowsPerPoint = 10
	// pricedBuckets is the price of a histogram. Its length is not known before it has been read.
	pricedBuckets = 100
)

// passPrice returns the price of reading the rows of a pass. A number that is rejected costs as much as the largest that is not.
func passPrice(maxRows *int32) int {
	n, err := passRows(maxRows)
	if err != nil {
		n = maxPassRows
	}
	return n/rowsPerPoint + 1
}

func pricedPoints(points *int32) int {
	n, err := capacityPoints(points)
	if err != nil {
		return insights.MinPoints
	}
	return n
}

// requestedRows returns the page size for the price. An invalid one is priced as the largest valid one, so that the request is rejected for
// its argument and not for its cost.
func requestedRows(first, last *int32) int {
	n := first
	if n == nil {
		n = last
	}
	switch {
	case n == nil:
		return defaultRows
	case *n < 0 || *n > maxRows:
		return maxRows
	}
	return int(*n)
}

// price is 1 for the field itself and its children once for each row, at least once. It does not overflow.
func price(child, rows int) int {
	rows = max(rows, 1)
	if child > math.MaxInt32/rows {
		return math.MaxInt32
	}
	return plus(child*rows, 1)
}

func plus(a, b int) int { return min(a+b, math.MaxInt32) }
