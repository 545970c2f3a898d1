package upstream

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// The readers below pass a value as its documents have it without a detour; any other form of it goes the way of rare ones.

// identifier reads an id, or a number that serves as one; empty where there is neither.
func (p *scanner) identifier() string {
	if p.peek() == '"' {
		return p.string()
	}
	if v := p.result(); v.Type == gjson.Number {
		return v.String()
	}
	return ""
}

// anything reads a text as sent; anything else becomes its JSON, and null nothing.
func (p *scanner) anything() string {
	if p.peek() == '"' {
		return p.string()
	}
	return p.result().String()
}

// optionalText reads a text into a place; null is nil.
func (p *scanner) optionalText(into *string) *string {
	if p.peek() == 'n' {
		p.value()
		return nil
	}
	*into = p.anything()
	return into
}

// instant reads a time, see timeIn.
func (p *scanner) instant() time.Time {
	if p.peek() == '"' {
		return timeIn(p.string())
	}
	p.value()
	return time.Time{}
}

// integer reads a number into a place; nil where it is no whole number of 32 bits.
func (p *scanner) integer(into *int32) *int32 {
	if n, ok := p.digit(); ok {
		*into = n
		return into
	}
	n := number(p.result())
	if n != nil {
		*into, n = *n, into
	}
	return n
}

// digit passes a number of at most nine digits and nothing else, as nearly all numbers are.
func (p *scanner) digit() (n int32, ok bool) {
	p.peek()
	from := p.i
	i := from
	for ; i < len(p.s) && i < from+9 && p.s[i] >= '0' && p.s[i] <= '9'; i++ {
		n = 10*n + int32(p.s[i]-'0')
	}
	if i == from || i == len(p.s) || p.s[i] != ',' && p.s[i] != '}' || p.s[from] == '0' && i > from+1 {
		return 0, false
	}
	p.i = i
	return n, true
}

// items passes a list and calls add for each entry, which that must pass, or named for each name of a list that is a text. A list is
// an array, one entry that stands alone, or names with commas between them, as V1 sends. Null and what is neither entry nor name are left out.
func (p *scanner) items(add func(), named func(name string)) {
	switch p.peek() {
	case '[':
		p.array(func() { p.item(add) })
	case '"':
		for name := range strings.SplitSeq(p.string(), ",") {
			if name = strings.TrimSpace(name); name != "" {
				named(name)
			}
		}
	default:
		p.item(add)
	}
}

// item calls add where an entry is next: an object, a name or a number.
func (p *scanner) item(add func()) {
	switch p.peek() {
	case '[', 't', 'f', 'n':
		p.value()
	default:
		add()
	}
}

// length passes a list and says how many entries it has.
func (p *scanner) length() (n int32) {
	p.items(func() { p.value(); n++ }, func(string) { n++ })
	return n
}

// instanceMemory is an instance with the texts that it needs to point at, made in one go.
type instanceMemory struct {
	Instance

	id, name, config string
}

// instances reads a list of scaling_instance where it is wanted, and in any case how long it is. A mere text is an instance's name,
// as in V1.
func (p *scanner) instances(wanted, failed bool) (list []*Instance, n int32) {
	if !wanted {
		return nil, p.length()
	}
	p.items(func() { list = append(list, p.instance(failed)) },
		func(name string) { list = append(list, &Instance{Name: &name, Failure: failure(nil, nil, failed)}) })
	return list, int32(len(list))
}

func (p *scanner) instance(failed bool) *Instance {
	i := new(instanceMemory)
	if p.peek() != '{' {
		i.Name, i.Failure = p.optionalText(&i.name), failure(nil, nil, failed)
		return &i.Instance
	}
	var reason, details *string
	p.object(func(key string) {
		switch key {
		case "instance_id":
			i.ID = p.optionalText(&i.id)
		case "instance_name":
			i.Name = p.optionalText(&i.name)
		case "instance_config":
			i.Config = p.optionalText(&i.config)
		case "failed_reason":
			reason = p.optionalText(new(string))
		case "failed_details":
			details = p.optionalText(new(string))
		default:
			p.value()
		}
	})
	i.Failure = failure(reason, details, failed)
	return &i.Instance
}

// changes reads a list of modify_lb where it is wanted, and in any case how long it is. A mere text is a classic load balancer's
// listener.
func (p *scanner) changes(wanted, failed bool) (list []*LoadBalancerChange, n int32) {
	if !wanted {
		return nil, p.length()
	}
	p.items(func() { list = append(list, p.change(failed)) },
		func(name string) {
			list = append(list, &LoadBalancerChange{ClassicListener: &name, Failure: failure(nil, nil, failed)})
		})
	return list, int32(len(list))
}

func (p *scanner) change(failed bool) *LoadBalancerChange {
	if p.peek() != '{' {
		return &LoadBalancerChange{ClassicListener: p.optionalText(new(string)), Failure: failure(nil, nil, failed)}
	}
	var c LoadBalancerChange
	var reason, details *string
	p.object(func(key string) {
		switch key {
		case "lbaas_listener":
			c.LbaasListener = p.lbaasListener()
		case "listener":
			c.ClassicListener = p.optionalText(new(string))
		case "failed_reason":
			reason = p.optionalText(new(string))
		case "failed_details":
			details = p.optionalText(new(string))
		default:
			p.value()
		}
	})
	c.Failure = failure(reason, details, failed)
	return &c
}

func (p *scanner) lbaasListener() *LbaasListener {
	if p.peek() != '{' {
		p.value()
		return nil
	}
	var l LbaasListener
	p.object(func(key string) {
		switch key {
		case "listener_id":
			l.ListenerID = p.optionalText(new(string))
		case "pool_id":
			l.PoolID = p.optionalText(new(string))
		case "protocol_port":
			l.ProtocolPort = p.integer(new(int32))
		case "weight":
			l.Weight = p.integer(new(int32))
		default:
			p.value()
		}
	})
	return &l
}

// failure returns nil where nothing failed: elsewhere than in a failed list that is where no reason is given.
func failure(reason, details *string, failed bool) *Failure {
	blank := func(s *string) bool { return s == nil || *s == "" }
	if !failed && blank(reason) && blank(details) {
		return nil
	}
	return &Failure{Reason: reason, Details: details}
}
