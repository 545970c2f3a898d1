package request

import (
	"reflect"
	"testing"
)

// TestCloneCopiesAllFields checks every field of Caller but the Tally.
func TestCloneCopiesAllFields(t *testing.T) {
	c := &Caller{}
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int64:
			f.SetInt(1)
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"a": "b"}))
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"a"}))
		}
	}
	c.Tally.Calls.Store(7)
	again := c.Clone()
	if again.Tally.Calls.Load() != 0 {
		t.Error("the tally was copied")
	}
	c.Tally.Calls.Store(0)
	if !reflect.DeepEqual(c, again) {
		t.Errorf("%+v is not %+v", again, c)
	}
}
