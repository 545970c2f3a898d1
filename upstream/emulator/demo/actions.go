package demo

import (
	"slices"
	"time"

	"scalegraph/upstream/emulator"
)

// act fills in what an action of r's type does to the group.
func (s *story) act(r *emulator.Row) {
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
		s.rest(r)
	case emulator.ExitStandby:
		s.wake(r)
	}
}

// scale is an ordinary scaling action, by a policy or by a changed desired count. It walks between the group's bounds, with a pull to the middle.
func (s *story) scale(r *emulator.Row) {
	room, size := s.plan.most-s.plan.least, len(s.members)
	step := 1 + s.rng.IntN(1+room/8)
	target := size + step
	if s.rng.IntN(room+1) < size-s.plan.least {
		target = size - step
	}
	target = min(max(target, s.plan.least), s.plan.most)
	if target == size { // full
		target--
	}
	why := s.trigger(target < size)
	s.describe(r, why, target)
	s.target = target
	s.move(r, target)
}

// trigger picks a policy that moves the group in this direction, or a person who changed the desired count.
func (s *story) trigger(shrinks bool) policy {
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

// repair brings the actual count back to the desired one; where nothing is missing yet, an instance has just been lost.
func (s *story) repair(r *emulator.Row) {
	if len(s.members) >= s.target && len(s.members) > 0 {
		s.members = s.members[1:]
	}
	target := min(max(s.target, len(s.members)+1), s.plan.most)
	s.describe(r, policy{kind: emulator.Diff}, target)
	s.move(r, target)
}

// describe sets the numbers and the description of an action that goes from the present count to target.
func (s *story) describe(r *emulator.Row, why policy, target int) {
	size := len(s.members)
	r.InstanceValue, r.DesireValue, r.ScalingValue = size, target, max(target-size, size-target)
	changed := r.Start.Add(-time.Duration(s.rng.IntN(12)) * time.Second)
	r.Description = emulator.Describe(emulator.Reason{
		ChangeReason: why.kind, OldValue: size, ChangeTime: changed.Format(timeLayout), NewValue: target, PolicyID: why.id, PolicyName: why.name,
	})
}

// move launches or deletes instances until there are target, as far as it goes.
func (s *story) move(r *emulator.Row, target int) {
	size := len(s.members)
	if target > size {
		r.Added = s.launch(target - size)
		s.spoilLaunch(r)
		s.members = append(s.members, r.Added...)
		return
	}
	s.takeSome(r, &r.Deleted, size-target)
}

// addByHand takes servers into the group that somebody made elsewhere.
func (s *story) addByHand(r *emulator.Row) {
	n := 1 + s.rng.IntN(3)
	s.describe(r, policy{kind: r.Type}, len(s.members)+n)
	for range n {
		r.Added = append(r.Added, emulator.Instance{ID: s.uuid(), Name: "ecs-" + s.suffix()[:4]})
	}
	s.spoilLaunch(r)
	s.members = append(s.members, r.Added...)
	s.target = len(s.members)
}

// take takes one or two instances out of the group, into list.
func (s *story) take(r *emulator.Row, list *[]emulator.Instance) {
	n := min(1+s.rng.IntN(2), len(s.members)-s.plan.least)
	s.describe(r, policy{kind: r.Type}, len(s.members)-n)
	s.takeSome(r, list, n)
	if r.Type == emulator.ManualRemove || r.Type == emulator.ManualDelete {
		s.target = len(s.members)
	}
}

func (s *story) takeSome(r *emulator.Row, list *[]emulator.Instance, n int) {
	if s.rng.Float64() < s.plan.trouble/4 && n > 0 {
		s.failAll(r, s.members[:n], removals())
		return
	}
	*list = slices.Clone(s.members[:n])
	s.members = s.members[n:]
}

// rest moves an instance to standby.
func (s *story) rest(r *emulator.Row) {
	s.describe(r, policy{kind: r.Type}, len(s.members)-1)
	r.Standby = []emulator.Instance{s.members[0]}
	s.standby = append(s.standby, s.members[0])
	s.members = s.members[1:]
}

// wake moves an instance back from standby.
func (s *story) wake(r *emulator.Row) {
	s.describe(r, policy{kind: r.Type}, len(s.members)+1)
	r.Standby = []emulator.Instance{s.standby[0]}
	s.members = append(s.members, s.standby[0])
	s.standby = s.standby[1:]
}

// migrate moves the group from one load balancer to another. Its numbers are all 0 and it has no description, as in the sample.
func (s *story) migrate(r *emulator.Row) {
	r.Bound, r.Unbound = s.balancers(1+s.rng.IntN(2)), s.balancers(s.rng.IntN(2))
	if s.rng.Float64() >= 2*s.plan.trouble {
		return
	}
	last := len(r.Bound) - 1
	failed := r.Bound[last]
	r.Bound = r.Bound[:last]
	failed.FailedReason, failed.FailedDetails = s.failure(r, balancerTrouble())
	r.BindFailed = []emulator.LoadBalancer{failed}
	if last == 0 {
		r.Status, r.UnbindFailed, r.Unbound = emulator.Fail, r.Unbound, nil
	}
}

func (s *story) balancers(n int) []emulator.LoadBalancer {
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

func (s *story) listener() *emulator.Listener {
	l := &emulator.Listener{Weight: 1 + s.rng.IntN(10), PoolID: s.uuid(), Port: []int{80, 82, 443, 8080, 8443}[s.rng.IntN(5)]}
	if s.rng.IntN(3) > 0 { // null in the sample, so null at times
		id := s.uuid()
		l.ID = &id
	}
	return l
}
