package wirejson

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Record is one JSON object whose members are all optional. A nil Record has no members.
type Record map[string]gjson.Result

// ID returns a string or number without the white space that some regions send around ids; empty if there is none.
func (r Record) ID(name string) string {
	v := r[name]
	if v.Type != gjson.String && v.Type != gjson.Number {
		return ""
	}
	return strings.TrimSpace(v.String())
}

// OptionalID is ID; nil if it is empty.
func (r Record) OptionalID(name string) *string {
	if id := r.ID(name); id != "" {
		return &id
	}
	return nil
}

// Text returns a string as sent, or any other value as its JSON. null and a missing member are empty strings.
func (r Record) Text(name string) string { return r[name].String() }

// OptionalText is Text; nil if it is empty.
func (r Record) OptionalText(name string) *string {
	if s := r.Text(name); s != "" {
		return &s
	}
	return nil
}

// Int32 returns the first of several members that is a number, see the function Int32; nil if none is.
func (r Record) Int32(names ...string) *int32 {
	for _, name := range names {
		if n := Int32(r[name]); n != nil {
			return n
		}
	}
	return nil
}

// Bool returns a Boolean, or a string that spells one; nil if there is none.
func (r Record) Bool(name string) *bool {
	v := r[name]
	isTrue := v.Type == gjson.True || v.Type == gjson.String && strings.EqualFold(v.Str, "true")
	isFalse := v.Type == gjson.False || v.Type == gjson.String && strings.EqualFold(v.Str, "false")
	if !isTrue && !isFalse {
		return nil
	}
	return &isTrue
}

// Time returns a time in UTC; nil if there is none.
func (r Record) Time(name string) *time.Time {
	if t := Time(r[name]); !t.IsZero() {
		return &t
	}
	return nil
}

// Object returns an object; nil if there is none.
func (r Record) Object(name string) Record {
	if v := r[name]; v.IsObject() {
		return v.Map()
	}
	return nil
}

// Objects returns the objects of a list. An object that is sent instead of a list is a list of one.
func (r Record) Objects(name string) []Record {
	var list []Record
	ForEachEntry(r[name], func(v gjson.Result) {
		if v.IsObject() {
			list = append(list, v.Map())
		}
	})
	return list
}

// Texts returns the strings of a list: an array, or one string with commas. White space around them is removed, and empty ones are dropped.
func (r Record) Texts(name string) []string {
	var list []string
	ForEachEntry(r[name], func(v gjson.Result) {
		if s := strings.TrimSpace(v.String()); s != "" && !v.IsObject() {
			list = append(list, s)
		}
	})
	return list
}

// IDs returns the member "id" of each object of a list.
func (r Record) IDs(name string) []string {
	var list []string
	for _, o := range r.Objects(name) {
		if id := o.ID("id"); id != "" {
			list = append(list, id)
		}
	}
	return list
}
