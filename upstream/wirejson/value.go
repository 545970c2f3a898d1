package wirejson

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Int32 returns a number, or a string that contains one; nil if it is not an integer of 32 bits.
func Int32(v gjson.Result) *int32 {
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

// Text returns a string, or any other value as its JSON; nil for null and for a missing value.
func Text(v gjson.Result) *string {
	if v.Type == gjson.Null {
		return nil
	}
	s := v.String()
	return &s
}

// Time returns a time in UTC, see ParseTime; the zero time if v is not a string with a time.
func Time(v gjson.Result) time.Time {
	if v.Type != gjson.String {
		return time.Time{}
	}
	return ParseTime(v.Str)
}

// ParseTime parses a time with or without fraction and offset and returns it in UTC; the zero time if s has another form. Without an
// offset it is UTC.
func ParseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// ForEachEntry calls add with each entry of a list: an array, a single entry, or a string of names separated by commas, as V1 sends.
// Entries other than objects, strings and numbers are skipped.
func ForEachEntry(v gjson.Result, add func(gjson.Result)) {
	addIfEntry := func(item gjson.Result) {
		if item.IsObject() || item.Type == gjson.String || item.Type == gjson.Number {
			add(item)
		}
	}
	switch {
	case v.IsArray():
		v.ForEach(func(_, item gjson.Result) bool {
			addIfEntry(item)
			return true
		})
	case v.Type == gjson.String:
		for name := range strings.SplitSeq(v.Str, ",") {
			if name = strings.TrimSpace(name); name != "" {
				add(gjson.Result{Type: gjson.String, Str: name})
			}
		}
	default:
		addIfEntry(v)
	}
}

// Enum returns the documented value that raw spells, and UNKNOWN for any other text.
func Enum[T ~string](raw string, documented []T) T {
	if v := T(strings.TrimSpace(raw)); slices.Contains(documented, v) {
		return v
	}
	return "UNKNOWN"
}
