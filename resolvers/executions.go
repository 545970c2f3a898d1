package resolvers

import (
	"context"
	"fmt"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/internal/apierr"
	"scalegraph/resolvers/cursor"
	"scalegraph/resolvers/selection"
	"scalegraph/upstream"
)

// maxPolicies is the most execution logs that one field merges; it is the largest documented quota of policies of a group.
const maxPolicies = 50

// executionWindow is a page of execution logs, checked.
type executionWindow struct {
	listWindow
	filter upstream.ExecutionFilter
	status *upstream.ExecutionStatus
}

func (r *Resolver) executionArgs(kind string, g upstream.Group, in *model.ScalingPolicyExecutionFilter, a pageArgs) (executionWindow, error) {
	var w executionWindow
	key := ""
	if in != nil {
		if err := checkExecutionFilter(in); err != nil {
			return w, err
		}
		var f upstream.ExecutionFilter
		if in.StartTime != nil {
			f.StartTime = *in.StartTime
		}
		if in.EndTime != nil {
			f.EndTime = *in.EndTime
		}
		if in.Trigger != nil {
			f.Trigger = *in.Trigger
		}
		w.filter, w.status = upstream.NewExecutionFilter(f), in.Status
		key = w.filter.Key()
		if w.status != nil {
			key += "&status=" + string(*w.status)
		}
	}
	var err error
	w.listWindow, err = a.listWindow(cursor.ForList(kind, g, key).Keyed(r.Secret))
	return w, err
}

func checkExecutionFilter(in *model.ScalingPolicyExecutionFilter) error {
	switch {
	case !validTime(in.StartTime):
		return InvalidArgument("filter.startTime", "must lie in the years 1970 to 9999")
	case !validTime(in.EndTime):
		return InvalidArgument("filter.endTime", "must lie in the years 1970 to 9999")
	case in.StartTime != nil && in.EndTime != nil && in.EndTime.Before(*in.StartTime):
		return InvalidArgument("filter.endTime", "must not be before `filter.startTime`")
	case in.Trigger != nil && *in.Trigger == upstream.TriggerUnknown:
		return InvalidArgument("filter.trigger", "must not be UNKNOWN, which the upstream cannot filter by")
	case in.Status != nil && *in.Status == upstream.ExecutionUnknown:
		return InvalidArgument("filter.status", "must not be UNKNOWN")
	}
	return nil
}

// groupExecutions returns a page of the executions of all policies of a group.
func (r *Resolver) groupExecutions(ctx context.Context, g upstream.Group, filter *model.ScalingPolicyExecutionFilter, a pageArgs) (*model.ScalingPolicyExecutionConnection, error) {
	w, err := r.executionArgs("group executions", g, filter, a)
	if err != nil {
		return nil, err
	}
	list, err := r.load.Policies(ctx, g)
	if err != nil {
		return nil, err
	}
	if len(list.Entries) > maxPolicies {
		return nil, &Error{Code: apierr.TooComplex, Message: fmt.Sprintf("The group has %d policies; the executions of at most %d are merged.", len(list.Entries), maxPolicies)}
	}
	c, err := r.executionConnection(ctx, list.Entries, w)
	if err != nil {
		return nil, err
	}
	if list.AsOf.Before(c.AsOf) {
		c.AsOf = list.AsOf // which policies there are is as old as the list
	}
	c.Stale = c.Stale || list.Stale
	return c, nil
}

// policyExecutions returns a page of the executions of one policy.
func (r *Resolver) policyExecutions(ctx context.Context, p *upstream.Policy, filter *model.ScalingPolicyExecutionFilter, a pageArgs) (*model.ScalingPolicyExecutionConnection, error) {
	log := p.Group
	log.ID = p.Ref.ID
	w, err := r.executionArgs("policy executions", log, filter, a)
	if err != nil {
		return nil, err
	}
	return r.executionConnection(ctx, []*upstream.Policy{p}, w)
}

func (r *Resolver) executionConnection(ctx context.Context, policies []*upstream.Policy, w executionWindow) (*model.ScalingPolicyExecutionConnection, error) {
	q := upstream.ExecutionQuery{Filter: w.filter, After: executionPoint(w.after), Before: executionPoint(w.before), Count: w.count, Last: w.last}
	byID := make(map[string]*upstream.Policy, len(policies))
	for _, p := range policies {
		q.Policies = append(q.Policies, p.Ref)
		byID[p.Ref.ID] = p
	}
	page, reached, err := r.executionPage(ctx, q, w)
	if err != nil {
		return nil, err
	}
	c := &model.ScalingPolicyExecutionConnection{
		PageInfo: &model.PageInfo{HasNextPage: page.HasOlder, HasPreviousPage: page.HasNewer}, TotalCount: scalar.ClampInt(page.Total), AsOf: page.AsOf, Stale: page.Stale,
	}
	for _, e := range page.Rows {
		node := &model.ScalingPolicyExecution{Execution: e, Policy: byID[e.Policy.ID]}
		c.Nodes = append(c.Nodes, node)
		c.Edges = append(c.Edges, &model.ScalingPolicyExecutionEdge{Cursor: w.scope.EncodePosition(executionPosition(e)), Node: node})
	}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	if reached != nil {
		at := w.scope.EncodePosition(executionPosition(reached))
		if w.last || len(c.Edges) == 0 {
			c.PageInfo.StartCursor = &at
		}
		if !w.last || len(c.Edges) == 0 {
			c.PageInfo.EndCursor = &at
		}
	}
	for _, u := range page.Unavailable {
		public := publicErrorFor(ctx, u.Err)
		c.UnavailablePolicies = append(c.UnavailablePolicies, &model.UnavailablePolicy{
			Policy: byID[u.Policy.ID], Code: public.Code, Message: public.Message, Retryable: public.Retryable,
		})
	}
	return c, nil
}

func executionPosition(e *upstream.Execution) cursor.Position {
	return cursor.Position{Second: e.ExecutedAt.Unix(), Texts: [2]string{e.Policy.ID, e.LogID}}
}

func executionPoint(at *cursor.Position) *upstream.ExecutionPoint {
	if at == nil {
		return nil
	}
	return &upstream.ExecutionPoint{Second: at.Second, PolicyID: at.Texts[0], LogID: at.Texts[1]}
}

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
			Sections: upstream.SectionDescriptions | selection.OfActivity(ctx).Sections,
		}
		page, err := r.load.Page(ctx, q)
		if err != nil {
			return nil, err
		}
		if row := causedBy(e.Execution, page.Rows); row != nil {
			found := activity(row, &model.Origin{Page: &q, Later: selection.OfActivity(ctx).Deferred})
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
