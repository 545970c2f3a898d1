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

// instant reads a time with or without fraction and offset; without an offset it is UTC. Zero where there is none.
func instant(v gjson.Result) time.Time {
	if v.Type != gjson.String {
		return time.Time{}
	}
	return timeIn(v.Str)
}

func timeIn(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// entries reads a list, see each.
func entries[T any](v gjson.Result, one func(gjson.Result) *T) []*T {
	var list []*T
	each(v, func(item gjson.Result) { list = append(list, one(item)) })
	return list
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
