// Package blockers finds the conditions that would prevent a group from scaling.
package blockers

import (
	"fmt"
	"time"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// Find returns the conditions that would prevent a group from scaling at the time now, in this order: the group, an action in progress, its
// bounds, single policies, the cooldown. activities are the group's newest, newest first. It never returns nil.
func Find(d *upstream.GroupDetails, policies []*upstream.Policy, activities []*upstream.Activity, now time.Time) []*model.ScalingBlocker {
	j := judge{found: []*model.ScalingBlocker{}, details: d, policies: policies, activities: activities, now: now}
	active := j.status()
	j.action()
	j.bounds()
	j.policyStates()
	if active {
		j.cooldown()
	}
	return j.found
}

// judge collects blockers.
type judge struct {
	found      []*model.ScalingBlocker
	details    *upstream.GroupDetails
	policies   []*upstream.Policy
	activities []*upstream.Activity
	now        time.Time
}

func (j *judge) add(code upstream.NotScaledReason, p *upstream.Policy, until *time.Time, format string, args ...any) {
	j.found = append(j.found, &model.ScalingBlocker{Code: code, Message: fmt.Sprintf(format, args...), Until: until, Policy: p})
}

// status reports whether the group is in a state in which a cooldown matters.
func (j *judge) status() bool {
	switch j.details.Status {
	case upstream.GroupPaused, upstream.GroupError, upstream.GroupDeleting:
		j.add(upstream.NotScaledNotInService, nil, nil, "The group is not in service: its status is %s.", j.details.RawStatus)
		return false
	case upstream.GroupFrozen:
		j.add(upstream.NotScaledFrozen, nil, nil, "The resources of the account are frozen.")
		return false
	}
	return true
}

func (j *judge) action() {
	busy := j.details.IsScaling != nil && *j.details.IsScaling
	for _, a := range j.activities {
		busy = busy || a.Status == upstream.StatusDoing
	}
	if busy {
		j.add(upstream.NotScaledGroupBusy, nil, nil, "An action of the group is in progress.")
	}
}

func (j *judge) bounds() {
	desired := j.details.DesiredInstances
	if desired == nil {
		return
	}
	if m := j.details.MaxInstances; m != nil && *desired >= *m {
		j.bound(upstream.NotScaledMaxReached, upstream.OperationAdd, fmt.Sprintf("maximum of %d", *m))
	}
	if m := j.details.MinInstances; m != nil && *desired <= *m {
		j.bound(upstream.NotScaledMinReached, upstream.OperationRemove, fmt.Sprintf("minimum of %d", *m))
	}
}

// bound adds an entry for each policy that would go beyond a bound, or one for the group if there is none.
func (j *judge) bound(code upstream.NotScaledReason, operation upstream.PolicyOperation, limit string) {
	held := false
	for _, p := range j.policies {
		if p.Action != nil && p.Action.Operation == operation {
			held = true
			j.add(code, p, nil, "The group has its %s instances.", limit)
		}
	}
	if !held {
		j.add(code, nil, nil, "The group has its %s instances.", limit)
	}
}

func (j *judge) policyStates() {
	for _, p := range j.policies {
		switch p.Status {
		case upstream.PolicyPaused:
			j.add(upstream.NotScaledPolicyPaused, p, nil, "The policy is paused.")
		case upstream.PolicyExecuting:
			j.add(upstream.NotScaledPolicyBusy, p, nil, "The policy is being executed.")
		}
	}
}

// cooldown adds an entry for each alarm policy that has to wait: only those respect the cooldown, which starts when an action ends.
func (j *judge) cooldown() {
	var ended *time.Time
	for _, a := range j.activities {
		if ended = a.Ended(); ended != nil {
			break
		}
	}
	if ended == nil {
		return
	}
	for _, p := range j.policies {
		seconds := p.CooldownSeconds
		if seconds == nil {
			seconds = j.details.CooldownSeconds
		}
		if p.Type != upstream.PolicyAlarm || seconds == nil {
			continue
		}
		if until := ended.Add(time.Duration(*seconds) * time.Second); until.After(j.now) {
			j.add(upstream.NotScaledCooldown, p, &until, "The last action ended %d seconds ago or less; alarms are ignored until the cooldown is over.", *seconds)
		}
	}
}
