// Package scalar reads and writes the schema's scalars that gqlgen reads too leniently or does not know.
package scalar

import (
	"encoding/json"
	"errors"
	"fmt"
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

// UnmarshalInt reads an Int as the specification has it: a whole number of 32 bits. Text is refused, also where it looks
// like a number; 5.0 is a whole number.
func UnmarshalInt(v any) (int32, error) {
	switch v := v.(type) {
	case int64:
		return narrow(float64(v))
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return 0, fmt.Errorf("Int cannot represent %s: not a 32-bit whole number", v)
		}
		return narrow(f)
	case int:
		return narrow(float64(v))
	case int32:
		return v, nil
	case float64:
		return narrow(v)
	}
	return 0, errors.New("Int takes a 32-bit whole number")
}

func narrow(f float64) (int32, error) {
	if f != math.Trunc(f) || f < math.MinInt32 || f > math.MaxInt32 {
		return 0, fmt.Errorf("Int cannot represent %v: not a 32-bit whole number", f)
	}
	return int32(f), nil
}

// MarshalDateTime writes an instant in UTC, in whole seconds.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		b := make([]byte, 0, len(`"2006-01-02T15:04:05Z"`))
		b = append(b, '"')
		b = t.UTC().Truncate(time.Second).AppendFormat(b, time.RFC3339)
		_, _ = w.Write(append(b, '"'))
	})
}

// UnmarshalDateTime reads an RFC 3339 instant; an offset and a fraction are allowed.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, errors.New("DateTime takes an RFC 3339 text such as 2018-11-22T13:46:20Z")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, errors.New("DateTime takes an RFC 3339 text such as 2018-11-22T13:46:20Z")
	}
	return t, nil
}
