package demo

import (
	"slices"
	"time"

	"scalegraph/upstream/emulator"
)

// act sets the effects of an action of r's type and applies them to the group.
func (s *simulation) perform(r *emulator.Row) {
	switch r.Type {
	case emulator.Normal:
		s.scale(r)
	case emulator.Diff:
		s.repair(r)
	case emulator.ManualAdd:
		s.addByHand(r)
	case emulator.ManualRemove:
		s.take(r, &r.Removed)
	case emulator.ManualDelete, emulator.ELBCheckDelete, emulator.AuditCheckDelete:
		s.take(r, &r.Deleted)
	case emulator.ModifyELB:
		s.migrate(r)
	case emulator.EnterStandby:
		s.enterStandby(r)
	case emulator.ExitStandby:
		s.exitStandby(r)
	}
}

// scale is a scaling action by a policy or by a manual change of the desired number. The sizes are a random walk within the group's bounds,
// with a tendency to the middle.
func (s *simulation) scale(r *emulator.Row) {
	room, size := s.plan.maxSize-s.plan.minSize, len(s.members)
	step := 1 + s.rng.IntN(1+room/8)
	target := size + step
	if s.rng.IntN(room+1) < size-s.plan.minSize {
		target = size - step
	}
	target = min(max(target, s.plan.minSize), s.limit())
	if target == size { // full
		target--
	}
	why := s.trigger(target < size)
	s.describe(r, why, target)
	s.target = target
	s.move(r, target)
}

// trigger returns a random policy that scales in this direction, or a manual change.
func (s *simulation) trigger(shrinks bool) policy {
	var fit []policy
	for _, p := range s.plan.policies {
		if p.shrinks() == shrinks {
			fit = append(fit, p)
		}
	}
	n := s.rng.IntN(len(fit) + 1)
	if n == len(fit) {
		return policy{kind: "MANNUAL"}
	}
	return fit[n]
}

// repair restores the desired number of instances. If none is missing, it removes an instance first.
func (s *simulation) repair(r *emulator.Row) {
	if len(s.members) >= s.target && len(s.members) > 0 {
		s.members = s.members[1:]
	}
	target := min(max(s.target, len(s.members)+1), s.limit())
	s.describe(r, policy{kind: emulator.Diff}, target)
	s.move(r, target)
}

// describe sets the numbers and the description of an action that changes the number of instances to target.
func (s *simulation) describe(r *emulator.Row, why policy, target int) {
	size := len(s.members)
	r.InstanceValue, r.DesireValue, r.ScalingValue = size, target, max(target-size, size-target)
	changed := r.Start.Add(-time.Duration(s.rng.IntN(12)) * time.Second)
	r.Description = emulator.Describe(emulator.Reason{
		ChangeReason: why.kind, OldValue: size, ChangeTime: changed.Format(timeLayout), NewValue: target, PolicyID: why.id, PolicyName: why.name,
	})
}

// move launches or deletes instances until there are target. Some of them fail.
func (s *simulation) move(r *emulator.Row, target int) {
	size := len(s.members)
	if target > size {
		r.Added = s.launch(target - size)
		s.failLaunches(r)
		s.members = append(s.members, r.Added...)
		return
	}
	s.takeSome(r, &r.Deleted, size-target)
}

// addByHand adds servers that were created outside the group.
func (s *simulation) addByHand(r *emulator.Row) {
	n := 1 + s.rng.IntN(3)
	s.describe(r, policy{kind: r.Type}, len(s.members)+n)
	for range n {
		r.Added = append(r.Added, emulator.Instance{ID: s.uuid(), Name: "ecs-" + s.suffix()[:4]})
	}
	s.failLaunches(r)
	s.members = append(s.members, r.Added...)
	s.target = len(s.members)
}

// take moves one or two instances from the group to list.
func (s *simulation) take(r *emulator.Row, list *[]emulator.Instance) {
	n := min(1+s.rng.IntN(2), len(s.members)-s.plan.minSize)
	s.describe(r, policy{kind: r.Type}, len(s.members)-n)
	s.takeSome(r, list, n)
	if r.Type == emulator.ManualRemove || r.Type == emulator.ManualDelete {
		s.target = len(s.members)
	}
}

func (s *simulation) takeSome(r *emulator.Row, list *[]emulator.Instance, n int) {
	if s.rng.Float64() < s.plan.failureRate/4 && n > 0 {
		s.failAll(r, s.members[:n], removalFailures())
		return
	}
	*list = slices.Clone(s.members[:n])
	s.members = s.members[n:]
}

// enterStandby moves an instance to standby.
func (s *simulation) enterStandby(r *emulator.Row) {
	s.describe(r, policy{kind: r.Type}, len(s.members)-1)
	r.Standby = []emulator.Instance{s.members[0]}
	s.standby = append(s.standby, s.members[0])
	s.members = s.members[1:]
}

// exitStandby moves an instance back from standby.
func (s *simulation) exitStandby(r *emulator.Row) {
	s.describe(r, policy{kind: r.Type}, len(s.members)+1)
	r.Standby = []emulator.Instance{s.standby[0]}
	s.members = append(s.members, s.standby[0])
	s.standby = s.standby[1:]
}

// migrate moves the group to another load balancer. As in the sample, the numbers are 0 and there is no description.
func (s *simulation) migrate(r *emulator.Row) {
	r.Bound, r.Unbound = s.balancers(1+s.rng.IntN(2)), s.balancers(s.rng.IntN(2))
	if s.rng.Float64() >= 2*s.plan.failureRate {
		return
	}
	last := len(r.Bound) - 1
	failed := r.Bound[last]
	r.Bound = r.Bound[:last]
	failed.FailedReason, failed.FailedDetails = s.failure(r, bindFailures())
	r.BindFailed = []emulator.LoadBalancer{failed}
	if last == 0 {
		r.Status, r.UnbindFailed, r.Unbound = emulator.Fail, r.Unbound, nil
	}
}

func (s *simulation) balancers(n int) []emulator.LoadBalancer {
	list := make([]emulator.LoadBalancer, n)
	for i := range list {
		if s.plan.classic && s.rng.IntN(2) == 0 {
			list[i] = emulator.LoadBalancer{Classic: s.hex32()}
			continue
		}
		list[i] = emulator.LoadBalancer{Enhanced: s.listener()}
	}
	return list
}

func (s *simulation) listener() *emulator.Listener {
	l := &emulator.Listener{Weight: 1 + s.rng.IntN(10), PoolID: s.uuid(), Port: []int{80, 82, 443, 8080, 8443}[s.rng.IntN(5)]}
	if s.rng.IntN(3) > 0 { // sometimes null, as in the sample
		id := s.uuid()
		l.ID = &id
	}
	return l
}
