// Package scalar reads and writes the scalars Int, which gqlgen reads too leniently, and DateTime, which gqlgen does not have. Its errors
// complete a sentence that begins with the name of the argument, and do not repeat the argument's value.
package scalar

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalInt writes an Int.
func MarshalInt(i int32) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = w.Write(strconv.AppendInt(nil, int64(i), 10))
	})
}

var errInt = errors.New("takes a whole number of 32 bits")

// UnmarshalInt reads an Int as the GraphQL specification defines it: a signed whole number of 32 bits. 5.0 is valid; strings are
// rejected, even those that contain a number.
func UnmarshalInt(v any) (int32, error) {
	switch v := v.(type) {
	case int64:
		return narrow(float64(v))
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return 0, errInt
		}
		return narrow(f)
	case int:
		return narrow(float64(v))
	case int32:
		return v, nil
	case float64:
		return narrow(v)
	}
	return 0, errInt
}

func narrow(f float64) (int32, error) {
	if f != math.Trunc(f) || f < math.MinInt32 || f > math.MaxInt32 {
		return 0, errInt
	}
	return int32(f), nil
}

// MarshalDateTime writes a time in UTC, truncated to seconds.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = w.Write(AppendDateTime(make([]byte, 0, len(`"2006-01-02T15:04:05Z"`)), t))
	})
}

// AppendDateTime appends a time as MarshalDateTime writes it, quotes included.
func AppendDateTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().Truncate(time.Second).AppendFormat(b, time.RFC3339)
	return append(b, '"')
}

var errDateTime = errors.New("takes an RFC 3339 time such as 2018-11-22T13:46:20Z")

// UnmarshalDateTime reads an RFC 3339 time. Any offset and a fraction of a second are allowed.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, errDateTime
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, errDateTime
	}
	return t, nil
}

// ClampInt returns n as an Int of 0 to the largest.
func ClampInt(n int) int32 { return int32(min(max(n, 0), math.MaxInt32)) }
