package upstream

import "scalegraph/upstream/wirejson"

// instanceAlloc is an instance and the strings that it points to, in one allocation.
type instanceAlloc struct {
	Instance

	id, name, config string
}

// readInstances reads a list of scaling_instance and returns it and its length. It returns the length only if the list is not wanted. V1
// sends the names of instances only.
func readInstances(p *wirejson.Scanner, wanted, failed bool) (list []*Instance, n int32) {
	if !wanted {
		return nil, p.SkipList()
	}
	p.ReadList(func() { list = append(list, readInstance(p, failed)) },
		func(name string) { list = append(list, &Instance{Name: &name, Failure: newFailure(nil, nil, failed)}) })
	return list, int32(len(list))
}

func readInstance(p *wirejson.Scanner, failed bool) *Instance {
	i := new(instanceAlloc)
	if p.Peek() != '{' {
		i.Name, i.Failure = p.ReadOptionalText(&i.name), newFailure(nil, nil, failed)
		return &i.Instance
	}
	var reason, details *string
	p.Object(func(key string) {
		switch key {
		case "instance_id":
			i.ID = p.ReadOptionalText(&i.id)
		case "instance_name":
			i.Name = p.ReadOptionalText(&i.name)
		case "instance_config":
			i.Config = p.ReadOptionalText(&i.config)
		case "failed_reason":
			reason = p.ReadOptionalText(new(string))
		case "failed_details":
			details = p.ReadOptionalText(new(string))
		default:
			p.SkipValue()
		}
	})
	i.Failure = newFailure(reason, details, failed)
	return &i.Instance
}

// readLoadBalancers reads a list of modify_lb and returns it and its length. It returns the length only if the list is not wanted. A string
// is the listener of a classic load balancer.
func readLoadBalancers(p *wirejson.Scanner, wanted, failed bool) (list []*LoadBalancerChange, n int32) {
	if !wanted {
		return nil, p.SkipList()
	}
	p.ReadList(func() { list = append(list, readLoadBalancer(p, failed)) },
		func(name string) {
			list = append(list, &LoadBalancerChange{ClassicListener: &name, Failure: newFailure(nil, nil, failed)})
		})
	return list, int32(len(list))
}

func readLoadBalancer(p *wirejson.Scanner, failed bool) *LoadBalancerChange {
	if p.Peek() != '{' {
		return &LoadBalancerChange{ClassicListener: p.ReadOptionalText(new(string)), Failure: newFailure(nil, nil, failed)}
	}
	var c LoadBalancerChange
	var reason, details *string
	p.Object(func(key string) {
		switch key {
		case "lbaas_listener":
			c.LbaasListener = readListener(p)
		case "listener":
			c.ClassicListener = p.ReadOptionalText(new(string))
		case "failed_reason":
			reason = p.ReadOptionalText(new(string))
		case "failed_details":
			details = p.ReadOptionalText(new(string))
		default:
			p.SkipValue()
		}
	})
	c.Failure = newFailure(reason, details, failed)
	return &c
}

func readListener(p *wirejson.Scanner) *LbaasListener {
	if p.Peek() != '{' {
		p.SkipValue()
		return nil
	}
	var l LbaasListener
	p.Object(func(key string) {
		switch key {
		case "listener_id":
			l.ListenerID = p.ReadOptionalText(new(string))
		case "pool_id":
			l.PoolID = p.ReadOptionalText(new(string))
		case "protocol_port":
			l.ProtocolPort = p.ReadInt32(new(int32))
		case "weight":
			l.Weight = p.ReadInt32(new(int32))
		default:
			p.SkipValue()
		}
	})
	return &l
}

// newFailure returns nil if nothing failed: the list is not a list of failures, and no reason was sent.
func newFailure(reason, details *string, failed bool) *Failure {
	blank := func(s *string) bool { return s == nil || *s == "" }
	if !failed && blank(reason) && blank(details) {
		return nil
	}
	return &Failure{Reason: reason, Details: details}
}
