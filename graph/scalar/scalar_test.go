package scalar

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestUnmarshalInt(t *testing.T) {
	good := map[any]int32{
		int64(5): 5, int(-1): -1, int32(7): 7, 5.0: 5, json.Number("5"): 5, json.Number("5.0"): 5, json.Number("5e2"): 500,
		json.Number("2147483647"): math.MaxInt32, json.Number("-2147483648"): math.MinInt32,
	}
	for v, want := range good {
		if got, err := UnmarshalInt(v); err != nil || got != want {
			t.Errorf("UnmarshalInt(%T %v) = %d, %v, want %d", v, v, got, err, want)
		}
	}
	bad := []any{
		"5", "", true, nil, 5.5, math.NaN(), math.Inf(1), int64(3000000000), int64(math.MinInt32) - 1,
		json.Number("3000000000"), json.Number("5.5"), json.Number("1e400"), []any{int64(1)}, map[string]any{},
	}
	for _, v := range bad {
		if got, err := UnmarshalInt(v); err == nil {
			t.Errorf("UnmarshalInt(%T %v) = %d, want an error", v, v, got)
		}
	}
}

func TestUnmarshalDateTime(t *testing.T) {
	want := time.Date(2018, 11, 22, 13, 46, 20, 0, time.UTC)
	for _, s := range []string{"2018-11-22T13:46:20Z", "2018-11-22T14:46:20+01:00", "2018-11-22T13:46:20.000Z"} {
		if got, err := UnmarshalDateTime(s); err != nil || !got.Equal(want) {
			t.Errorf("UnmarshalDateTime(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
	for _, v := range []any{"", "2018-11-22", "2018-11-22T13:46:20", "13:46", "2018-13-22T13:46:20Z", 5, nil, true} {
		if got, err := UnmarshalDateTime(v); err == nil {
			t.Errorf("UnmarshalDateTime(%v) = %v, want an error", v, got)
		}
	}
}

func TestMarshal(t *testing.T) {
	var b bytes.Buffer
	MarshalDateTime(time.Date(2018, 11, 22, 14, 46, 20, 999, time.FixedZone("", 3600))).MarshalGQL(&b)
	MarshalInt(-42).MarshalGQL(&b)
	if got, want := b.String(), `"2018-11-22T13:46:20Z"-42`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
