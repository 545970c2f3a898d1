package resolvers

import (
	"context"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

const (
	// maxDelay is how many seconds after an execution the activity that it caused starts at the latest.
	maxDelay = 600
	// maxSkew is how many seconds earlier than the execution the activity may seem to have started: the two logs are written by different parts.
	maxSkew = 60
	// joinRows is how many activities are searched; a page and its neighbours fit into one call.
	joinRows = upstream.MaxLimit - 2
)

// executionActivity returns the activity that an execution caused; nil if none is found, and if the execution failed. Executions of the same ten
// minutes share a page of the log; only if the activity may lie beyond it, a page of its own is read.
func (r *Resolver) executionActivity(ctx context.Context, e *model.ScalingPolicyExecution) (*model.ScalingActivity, error) {
	if e.Status == upstream.ExecutionFail {
		return nil, nil
	}
	at := e.ExecutedAt.Unix()
	for _, from := range []int64{at - at%maxDelay, at} {
		q := upstream.PageQuery{
			Group: e.Policy.Group, Before: &upstream.Point{Second: from - maxSkew - 1}, Count: joinRows, Last: true,
			Sections: upstream.SectionDescriptions | activitySelection(ctx).sections,
		}
		page, err := r.load.Page(ctx, q)
		if err != nil {
			return nil, err
		}
		if row := causedBy(e.Execution, page.Rows); row != nil {
			found := activity(row, &model.Origin{Page: &q, Later: activitySelection(ctx).deferred})
			return &found, nil
		}
		if !page.HasNewer || len(page.Rows) > 0 && page.Rows[0].StartTime.Unix() > at+maxDelay {
			break
		}
	}
	return nil, nil
}

// causedBy returns the activity that names the policy and the second of an execution; of several the one with the smallest log id.
func causedBy(e *upstream.Execution, rows []*upstream.Activity) *upstream.Activity {
	var found *upstream.Activity
	for _, row := range rows {
		delay := row.StartTime.Unix() - e.ExecutedAt.Unix()
		if delay >= -maxSkew && delay <= maxDelay && names(row, e) && (found == nil || row.LogID < found.LogID) {
			found = row
		}
	}
	return found
}

func names(row *upstream.Activity, e *upstream.Execution) bool {
	for _, reason := range row.Reasons() {
		if reason.ScalingPolicyID != nil && *reason.ScalingPolicyID == e.Policy.ID &&
			reason.ChangeTime != nil && reason.ChangeTime.Unix() == e.ExecutedAt.Unix() {
			return true
		}
	}
	return false
}
