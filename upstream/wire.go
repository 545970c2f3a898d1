package upstream

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// number reads a number, or a text that holds one; nil where it is no whole number of 32 bits.
func number(v gjson.Result) *int32 {
	f := v.Num
	switch v.Type {
	case gjson.Number:
	case gjson.String:
		var err error
		if f, err = strconv.ParseFloat(strings.TrimSpace(v.Str), 64); err != nil {
			return nil
		}
	default:
		return nil
	}
	if f != math.Trunc(f) || f < math.MinInt32 || f > math.MaxInt32 {
		return nil
	}
	n := int32(f)
	return &n
}

// text reads a text as sent; anything else becomes its JSON, and null nil.
func text(v gjson.Result) *string {
	if v.Type == gjson.Null {
		return nil
	}
	s := v.String()
	return &s
}

// identifier reads an id, or a number that serves as one; empty where there is neither.
func identifier(v gjson.Result) string {
	if v.Type != gjson.String && v.Type != gjson.Number {
		return ""
	}
	return v.String()
}

// instant reads a time with or without fraction and offset; without an offset it is UTC. Zero where there is none.
func instant(v gjson.Result) time.Time {
	if v.Type != gjson.String {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, v.Str); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// instances reads a list of scaling_instance where it is wanted, and in any case how long it is. A mere text is an instance's name,
// as in V1.
func instances(v gjson.Result, wanted, failed bool) ([]*Instance, int32) {
	if !wanted {
		return nil, length(v)
	}
	list := entries(v, func(item gjson.Result) *Instance { return instance(item, failed) })
	return list, int32(len(list))
}

func instance(v gjson.Result, failed bool) *Instance {
	if !v.IsObject() {
		return &Instance{Name: text(v), Failure: failure(nil, nil, failed)}
	}
	var i Instance
	var reason, details *string
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "instance_id":
			i.ID = text(value)
		case "instance_name":
			i.Name = text(value)
		case "instance_config":
			i.Config = text(value)
		case "failed_reason":
			reason = text(value)
		case "failed_details":
			details = text(value)
		}
		return true
	})
	i.Failure = failure(reason, details, failed)
	return &i
}

// changes reads a list of modify_lb where it is wanted, and in any case how long it is. A mere text is a classic load balancer's
// listener.
func changes(v gjson.Result, wanted, failed bool) ([]*LoadBalancerChange, int32) {
	if !wanted {
		return nil, length(v)
	}
	list := entries(v, func(item gjson.Result) *LoadBalancerChange { return change(item, failed) })
	return list, int32(len(list))
}

func change(v gjson.Result, failed bool) *LoadBalancerChange {
	if !v.IsObject() {
		return &LoadBalancerChange{ClassicListener: text(v), Failure: failure(nil, nil, failed)}
	}
	var c LoadBalancerChange
	var reason, details *string
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "lbaas_listener":
			c.LbaasListener = lbaasListener(value)
		case "listener":
			c.ClassicListener = text(value)
		case "failed_reason":
			reason = text(value)
		case "failed_details":
			details = text(value)
		}
		return true
	})
	c.Failure = failure(reason, details, failed)
	return &c
}

func lbaasListener(v gjson.Result) *LbaasListener {
	if !v.IsObject() {
		return nil
	}
	var l LbaasListener
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "listener_id":
			l.ListenerID = text(value)
		case "pool_id":
			l.PoolID = text(value)
		case "protocol_port":
			l.ProtocolPort = number(value)
		case "weight":
			l.Weight = number(value)
		}
		return true
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

// entries reads a list, see each.
func entries[T any](v gjson.Result, one func(gjson.Result) *T) []*T {
	var list []*T
	each(v, func(item gjson.Result) { list = append(list, one(item)) })
	return list
}

// length says how many entries a list has.
func length(v gjson.Result) (n int32) {
	each(v, func(gjson.Result) { n++ })
	return n
}

// each calls add with the entries of a list: an array, one entry that stands alone, or names with commas between them, as V1
// sends. Null and what is neither entry nor name are left out.
func each(v gjson.Result, add func(gjson.Result)) {
	some := func(item gjson.Result) {
		if item.IsObject() || item.Type == gjson.String || item.Type == gjson.Number {
			add(item)
		}
	}
	switch {
	case v.IsArray():
		v.ForEach(func(_, item gjson.Result) bool {
			some(item)
			return true
		})
	case v.Type == gjson.String:
		for name := range strings.SplitSeq(v.Str, ",") {
			if name = strings.TrimSpace(name); name != "" {
				add(gjson.Result{Type: gjson.String, Str: name})
			}
		}
	default:
		some(v)
	}
}
