// Package fieldstest makes activities by reflection, so that tests find a field that was added to upstream.Activity and forgotten elsewhere.
package fieldstest

import (
	"fmt"
	"iter"
	"reflect"
	"time"

	"scalegraph/upstream"
)

// start is the time in all fields of Full that are times.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Full returns an activity with a value in every field, and one entry in every list. Equal calls return equal rows that share no memory.
func Full() *upstream.Activity {
	a := new(upstream.Activity)
	for range leaves(reflect.ValueOf(a).Elem(), "") {
	}
	a.Details.Sections = upstream.AllSections
	return a
}

// Variants yields, for each field with a value, its path and a row that differs from Full in this field only. It leaves out what is no field of
// the row: the group, the sections, and the memory that the row retains.
func Variants() iter.Seq2[string, *upstream.Activity] {
	return func(yield func(string, *upstream.Activity) bool) {
		for path := range leaves(reflect.ValueOf(new(upstream.Activity)).Elem(), "") {
			if path == ".Group.Region" || path == ".Group.Project" || path == ".Group.ID" || path == ".Details.Sections" || path == ".RetainedBytes" {
				continue
			}
			a := Full()
			for p, leaf := range leaves(reflect.ValueOf(a).Elem(), "") {
				if p == path {
					change(leaf)
				}
			}
			if a.Details.Sections = upstream.AllSections; !yield(path, a) {
				return
			}
		}
	}
}

// leaves yields the values below v that have no fields of their own, after it has set those that are zero.
func leaves(v reflect.Value, path string) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) { visit(v, path, yield) }
}

func visit(v reflect.Value, path string, yield func(string, reflect.Value) bool) bool {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return visit(v.Elem(), path, yield)
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		return visit(v.Index(0), path+"[0]", yield)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			break
		}
		for i := range v.NumField() {
			if !visit(v.Field(i), path+"."+v.Type().Field(i).Name, yield) {
				return false
			}
		}
		return true
	}
	if v.IsZero() {
		initialize(v, path)
	}
	return yield(path, v)
}

func initialize(v reflect.Value, path string) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(start))
	case v.Kind() == reflect.String:
		v.SetString("value of " + path)
	case v.CanInt():
		v.SetInt(1)
	case v.CanUint():
		v.SetUint(1)
	default:
		panic(fmt.Sprintf("%s is a %s, which no field was when this was written", path, v.Type()))
	}
}

func change(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(start.Add(time.Minute)))
	case v.Kind() == reflect.String:
		v.SetString("another " + v.String())
	case v.CanInt():
		v.SetInt(v.Int() + 1)
	}
}
