package fields_test

import (
	"reflect"
	"testing"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/fields"
)

// requireAll fails if a field of T is not in list exactly once. Exceptions are fields that are no value of the row.
func requireAll[T any](t *testing.T, list []fields.Field[T], exceptions ...string) {
	t.Helper()
	v := new(T)
	described := map[uintptr]int{}
	names := map[string]bool{}
	for _, f := range list {
		described[reflect.ValueOf(f.Ptr(v)).Pointer()]++
		if names[f.Name] {
			t.Errorf("two fields of %T are called %s", *v, f.Name)
		}
		names[f.Name] = true
	}
	object := reflect.ValueOf(v).Elem()
	except := map[string]bool{}
	for _, name := range exceptions {
		except[name] = true
	}
	for i := range object.NumField() {
		name := object.Type().Field(i).Name
		want := 1
		if except[name] {
			want = 0
		}
		if n := described[object.Field(i).Addr().Pointer()]; n != want {
			t.Errorf("%T.%s is described %d times, want %d", *v, name, n, want)
		}
	}
}

func TestEveryFieldIsDescribed(t *testing.T) {
	requireAll(t, fields.Activity, "Group", "ListLengths", "Details", "RetainedBytes")
	requireAll(t, fields.Instance)
	requireAll(t, fields.LoadBalancerChange)
	requireAll(t, fields.LbaasListener)
	requireAll(t, fields.Failure)
}

func TestEveryListIsDescribed(t *testing.T) {
	var d upstream.Details
	var n upstream.ListLengths
	lists, lengths := map[uintptr]string{}, map[uintptr]string{}
	for _, l := range fields.InstanceLists {
		lists[reflect.ValueOf(l.Entries(&d)).Pointer()], lengths[reflect.ValueOf(l.Length(&n)).Pointer()] = l.Name, l.Name
	}
	for _, l := range fields.LoadBalancerLists {
		lists[reflect.ValueOf(l.Entries(&d)).Pointer()], lengths[reflect.ValueOf(l.Length(&n)).Pointer()] = l.Name, l.Name
	}
	details, counts := reflect.ValueOf(&d).Elem(), reflect.ValueOf(&n).Elem()
	for i := range counts.NumField() {
		name := counts.Type().Field(i).Name
		list := lists[details.FieldByName(name).Addr().Pointer()]
		if list == "" || list != lengths[counts.Field(i).Addr().Pointer()] {
			t.Errorf("the list %s and its length are not described together", name)
		}
	}
	if got := details.NumField() - 1; got != len(lists) || len(lists) != len(lengths) { // without Sections
		t.Errorf("%d lists are described with %d lengths, want %d", len(lists), len(lengths), got)
	}
}

// Pointers of fields are made for every row that is encoded.
func TestFieldPointersDoNotAllocate(t *testing.T) {
	a := &upstream.Activity{StartTime: time.Unix(1, 0)}
	if n := testing.AllocsPerRun(100, func() {
		for i := range fields.Activity {
			_ = fields.Activity[i].Ptr(a)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
