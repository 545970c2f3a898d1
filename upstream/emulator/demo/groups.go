package demo

import (
	"fmt"
	"strings"
	"time"

	"scalegraph/upstream/emulator"
)

// FullGroup is a group of the demo at its maximum size: the executions of its alarm policy fail.
const FullGroup = "7d3f0b52-6a1e-4c58-9f27-3b8e5d90c1a4"

// The number of executions until FullGroup is at its maximum, and their interval.
const (
	fullSteps = 8
	fullEvery = 10 * time.Minute
)

// name returns the name of the group.
func (p plan) name() string { return strings.TrimPrefix(p.config, "as-config-") }

// attributes returns the attributes of the group before its history is created.
func (p plan) attributes(created time.Time) emulator.Group {
	id := func(what string) string { return emulator.DeriveID(p.group, what, 0) }
	return emulator.Group{
		ID: p.group, Name: p.name(), Min: p.minSize, Max: p.maxSize, Cooldown: 300, ConfigID: configID(p.config), ConfigName: p.config,
		Zones: []string{"eu-west-101a", "eu-west-101b"}, VPC: id("vpc"), Networks: []string{id("network")}, SecurityGroups: []string{id("security group")},
		HealthInterval: 5, HealthGrace: 600, Tags: []emulator.Tag{{Key: "app", Value: p.name()}}, Created: created,
	}
}

// rule returns the policy for the emulator.
func (p policy) rule(group string, created time.Time) emulator.Policy {
	r := emulator.Policy{ID: p.id, Name: p.name, Resource: group, Type: p.kind, Operation: emulator.OperationAdd, Instances: 2, Cooldown: 300, Created: created}
	if p.shrinks() {
		r.Operation, r.Instances = emulator.OperationRemove, 1
	}
	weekdays := emulator.Schedule{Type: "Weekly", Value: "2,3,4,5,6", Start: created.Format("2006-01-02T15:04Z"), End: created.AddDate(3, 0, 0).Format("2006-01-02T15:04Z")}
	switch p.name {
	case "weekdays-0700":
		weekdays.Launch = "07:00"
		r.Schedule = &weekdays
	case "weekdays-2000":
		weekdays.Launch = "20:00"
		r.Schedule = &weekdays
	case "before-campaign":
		r.Schedule = &emulator.Schedule{Launch: created.AddDate(0, 0, 7).Format("2006-01-02T15:04Z")}
	default:
		r.Alarm = "al" + strings.ReplaceAll(p.id, "-", "")[:20]
	}
	return r
}

// shrinks reports whether the policy removes instances.
func (p policy) shrinks() bool { return p.name == "cpu-below-20" || p.name == "weekdays-2000" }

// addFullGroup creates FullGroup and its history up to now.
func (d *Demo) addFullGroup(now time.Time) {
	p := plan{group: FullGroup, config: "as-config-checkout", minSize: 2, maxSize: 2 + fullSteps}
	g := p.attributes(now.Add(-week))
	g.Desire = p.minSize
	d.emulator.PutGroup(Project, g)
	members := make([]emulator.Member, p.minSize)
	for i := range members {
		id := emulator.DeriveID(FullGroup, "first", uint64(i))
		members[i] = emulator.Member{ID: id, Name: fmt.Sprintf("%s_%s", p.config, strings.ToUpper(id[:8])), ConfigID: g.ConfigID, ConfigName: g.ConfigName, Joined: g.Created}
	}
	d.emulator.SetMembers(Project, FullGroup, members...)
	alarm := ownPolicy(FullGroup, policy{"checkout", "cpu-above-70", emulator.PolicyAlarm})
	rule := alarm.rule(FullGroup, g.Created)
	rule.Instances = 1
	d.emulator.PutPolicies(Project, rule)
	d.fullPolicy, d.fullNext = alarm.id, now.Truncate(fullEvery).Add(-day/2)
	d.fireFullGroup(now)
}

// fireFullGroup executes the policy of FullGroup until now. Its activities take three minutes.
func (d *Demo) fireFullGroup(now time.Time) {
	d.fullMu.Lock()
	defer d.fullMu.Unlock()
	for ; !d.fullNext.Add(3 * time.Minute).After(now); d.fullNext = d.fullNext.Add(fullEvery) {
		_, activity, ok := d.emulator.Execute(Project, d.fullPolicy, d.fullNext)
		if ok && activity != "" {
			d.emulator.Complete(Project, FullGroup, activity, d.fullNext.Add(3*time.Minute))
		}
	}
	d.emulator.ExpireExecutions(Project, d.fullPolicy, now.Add(-day))
}

// ownPolicy returns a copy of a policy with an id that is unique to a group.
func ownPolicy(group string, p policy) policy {
	p.id = emulator.DeriveID(group, p.id, 0)
	return p
}
