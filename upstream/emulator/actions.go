package emulator

import (
	"slices"
	"time"
)

// reason is one entry of a description, its members in the order of the sample.
type reason struct {
	ChangeReason string `json:"change_reason"`
	OldValue     int    `json:"old_value"`
	ChangeTime   string `json:"change_time"`
	NewValue     int    `json:"new_value"`
	PolicyID     string `json:"scaling_policy_id,omitempty"`
	PolicyName   string `json:"scaling_policy_name,omitempty"`
}

type description struct {
	Reason []reason `json:"reason"`
}

// act fills in what an action of r's type does to the group.
func (s *story) act(r *Row) {
	switch r.Type {
	case Normal:
		s.scale(r)
	case Diff:
		s.repair(r)
	case ManualAdd:
		s.addByHand(r)
	case ManualRemove:
		s.take(r, &r.Removed)
	case ManualDelete, ELBCheckDelete, AuditCheckDelete:
		s.take(r, &r.Deleted)
	case ModifyELB:
		s.migrate(r)
	case EnterStandby:
		s.rest(r)
	case ExitStandby:
		s.wake(r)
	}
}

// scale is an ordinary scaling action, by a policy or by a changed desired count. It walks between the group's bounds, with a pull to the middle.
func (s *story) scale(r *Row) {
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
func (s *story) repair(r *Row) {
	if len(s.members) >= s.target && len(s.members) > 0 {
		s.members = s.members[1:]
	}
	target := min(max(s.target, len(s.members)+1), s.plan.most)
	s.describe(r, policy{kind: Diff}, target)
	s.move(r, target)
}

// describe sets the numbers and the description of an action that goes from the present count to target.
func (s *story) describe(r *Row, why policy, target int) {
	size := len(s.members)
	r.InstanceValue, r.DesireValue, r.ScalingValue = size, target, max(target-size, size-target)
	changed := r.Start.Add(-time.Duration(s.rng.IntN(12)) * time.Second)
	entry := reason{why.kind, size, changed.Format(timeLayout), target, why.id, why.name}
	r.Description = string(marshal(description{[]reason{entry}}))
}

// move launches or deletes instances until there are target, as far as it goes.
func (s *story) move(r *Row, target int) {
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
func (s *story) addByHand(r *Row) {
	n := 1 + s.rng.IntN(3)
	s.describe(r, policy{kind: r.Type}, len(s.members)+n)
	for range n {
		r.Added = append(r.Added, Instance{ID: s.uuid(), Name: "ecs-" + s.suffix()[:4]})
	}
	s.spoilLaunch(r)
	s.members = append(s.members, r.Added...)
	s.target = len(s.members)
}

// take takes one or two instances out of the group, into list.
func (s *story) take(r *Row, list *[]Instance) {
	n := min(1+s.rng.IntN(2), len(s.members)-s.plan.least)
	s.describe(r, policy{kind: r.Type}, len(s.members)-n)
	s.takeSome(r, list, n)
	if r.Type == ManualRemove || r.Type == ManualDelete {
		s.target = len(s.members)
	}
}

func (s *story) takeSome(r *Row, list *[]Instance, n int) {
	if s.rng.Float64() < s.plan.trouble/4 && n > 0 {
		s.failAll(r, s.members[:n], removals())
		return
	}
	*list = slices.Clone(s.members[:n])
	s.members = s.members[n:]
}

// rest moves an instance to standby.
func (s *story) rest(r *Row) {
	s.describe(r, policy{kind: r.Type}, len(s.members)-1)
	r.Standby = []Instance{s.members[0]}
	s.standby = append(s.standby, s.members[0])
	s.members = s.members[1:]
}

// wake moves an instance back from standby.
func (s *story) wake(r *Row) {
	s.describe(r, policy{kind: r.Type}, len(s.members)+1)
	r.Standby = []Instance{s.standby[0]}
	s.members = append(s.members, s.standby[0])
	s.standby = s.standby[1:]
}

// migrate moves the group from one load balancer to another. Its numbers are all 0 and it has no description, as in the sample.
func (s *story) migrate(r *Row) {
	r.Bound, r.Unbound = s.balancers(1+s.rng.IntN(2)), s.balancers(s.rng.IntN(2))
	if s.rng.Float64() >= 2*s.plan.trouble {
		return
	}
	last := len(r.Bound) - 1
	failed := r.Bound[last]
	r.Bound = r.Bound[:last]
	failed.FailedReason, failed.FailedDetails = s.failure(r, balancerTrouble())
	r.BindFailed = []LoadBalancer{failed}
	if last == 0 {
		r.Status, r.UnbindFailed, r.Unbound = Fail, r.Unbound, nil
	}
}

func (s *story) balancers(n int) []LoadBalancer {
	list := make([]LoadBalancer, n)
	for i := range list {
		if s.plan.classic && s.rng.IntN(2) == 0 {
			list[i] = LoadBalancer{Classic: s.hex32()}
			continue
		}
		list[i] = LoadBalancer{Enhanced: s.listener()}
	}
	return list
}

func (s *story) listener() *Listener {
	l := &Listener{Weight: 1 + s.rng.IntN(10), PoolID: s.uuid(), Port: []int{80, 82, 443, 8080, 8443}[s.rng.IntN(5)]}
	if s.rng.IntN(3) > 0 { // null in the sample, so null at times
		id := s.uuid()
		l.ID = &id
	}
	return l
}
