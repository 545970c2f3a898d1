package upstream

import (
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// record is one JSON object that is read leniently: every member is optional, and one of an undocumented form is left out or retained as
// text. It never costs the object.
type record map[string]gjson.Result

// id reads an id without the blanks that some regions send around it; empty if there is none.
func (r record) id(name string) string {
	v := r[name]
	if v.Type != gjson.String && v.Type != gjson.Number {
		return ""
	}
	return strings.TrimSpace(v.String())
}

// optionalID is id; nil if it is empty.
func (r record) optionalID(name string) *string {
	if id := r.id(name); id != "" {
		return &id
	}
	return nil
}

// text reads a text as sent; anything else becomes its JSON, and null the empty text.
func (r record) text(name string) string { return r[name].String() }

// optionalText is text; nil if it is missing, null or empty.
func (r record) optionalText(name string) *string {
	if s := r.text(name); s != "" {
		return &s
	}
	return nil
}

// number reads a number, or a text that contains one; nil if it is no whole number of 32 bits. Of several names the first with a number counts.
func (r record) number(names ...string) *int32 {
	for _, name := range names {
		if n := number(r[name]); n != nil {
			return n
		}
	}
	return nil
}

// flag reads a Boolean, or a text that contains one; nil if there is none.
func (r record) flag(name string) *bool {
	v := r[name]
	yes := v.Type == gjson.True || v.Type == gjson.String && strings.EqualFold(v.Str, "true")
	no := v.Type == gjson.False || v.Type == gjson.String && strings.EqualFold(v.Str, "false")
	if !yes && !no {
		return nil
	}
	return &yes
}

// instant reads a time in UTC; nil if there is none.
func (r record) instant(name string) *time.Time {
	if t := instant(r[name]); !t.IsZero() {
		return &t
	}
	return nil
}

// object reads an object; nil if there is none. A nil record has no members.
func (r record) object(name string) record {
	if v := r[name]; v.IsObject() {
		return v.Map()
	}
	return nil
}

// objects reads the objects of a list, or one object that stands alone.
func (r record) objects(name string) []record {
	var list []record
	each(r[name], func(v gjson.Result) {
		if v.IsObject() {
			list = append(list, v.Map())
		}
	})
	return list
}

// texts reads a list of texts: an array, or one text with commas between them. Blanks around them and empty ones are dropped.
func (r record) texts(name string) []string {
	var list []string
	each(r[name], func(v gjson.Result) {
		if s := strings.TrimSpace(v.String()); s != "" && !v.IsObject() {
			list = append(list, s)
		}
	})
	return list
}

// ids reads the member called id of each object of a list.
func (r record) ids(name string) []string {
	var list []string
	for _, o := range r.objects(name) {
		if id := o.id("id"); id != "" {
			list = append(list, id)
		}
	}
	return list
}

// known returns the documented value that raw spells, and UNKNOWN for any other text.
func known[T ~string](raw string, documented []T) T {
	if v := T(strings.TrimSpace(raw)); slices.Contains(documented, v) {
		return v
	}
	return "UNKNOWN"
}
