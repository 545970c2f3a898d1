package rowjson

import (
	"context"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/resolvers/selection"
	"scalegraph/upstream"
)

// objectField is a field with an object; null if get returns nil.
func objectField[T, V any](t *objectType[V], get func(*T) *V) fieldCompiler[T] {
	return func(ctx context.Context, f graphql.CollectedField) (scalarWriter[T], upstream.Sections, bool) {
		e, ok := compile(ctx, t, f.Selections)
		if !ok {
			return nil, 0, false
		}
		return func(b []byte, v *T) []byte { return e.pointer(b, get(v)) }, e.sections, true
	}
}

// listField is one of the lists of an activity that belong to a section.
func listField[V any](t *objectType[V], get func(*upstream.Details) []*V) fieldCompiler[model.ScalingActivity] {
	return func(ctx context.Context, f graphql.CollectedField) (scalarWriter[model.ScalingActivity], upstream.Sections, bool) {
		e, ok := compile(ctx, t, f.Selections)
		if !ok {
			return nil, 0, false
		}
		return func(b []byte, a *model.ScalingActivity) []byte { return e.pointers(b, get(&a.Details)) }, selection.SectionsOf(f.Name), true
	}
}

// textsField is a list of texts that is derived from an activity's lists.
func textsField(get func(*upstream.Details) []string) fieldCompiler[model.ScalingActivity] {
	return func(_ context.Context, f graphql.CollectedField) (scalarWriter[model.ScalingActivity], upstream.Sections, bool) {
		return func(b []byte, a *model.ScalingActivity) []byte {
			b = append(b, '[')
			for i, text := range get(&a.Details) {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendString(b, text)
			}
			return append(b, ']')
		}, selection.SectionsOf(f.Name), true
	}
}

// valuesField is a list that is never null.
func valuesField[T, V any](t *objectType[V], get func(*T) []V) fieldCompiler[T] {
	return func(ctx context.Context, f graphql.CollectedField) (scalarWriter[T], upstream.Sections, bool) {
		e, ok := compile(ctx, t, f.Selections)
		if !ok {
			return nil, 0, false
		}
		return func(b []byte, v *T) []byte { return e.values(b, get(v)) }, e.sections, true
	}
}

// appendInt writes an Int, or null.
func appendInt(b []byte, n *int32) []byte {
	if n == nil {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, int64(*n), 10)
}

// appendTime writes a DateTime, or null.
func appendTime(b []byte, t *time.Time) []byte {
	if t == nil {
		return append(b, "null"...)
	}
	return scalar.AppendDateTime(b, *t)
}

// appendOptionalString writes a String, or null.
func appendOptionalString(b []byte, s *string) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	return appendString(b, *s)
}

// appendString writes a String as gqlgen does: it escapes only what must be escaped.
func appendString(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '\\' && c != '"' {
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		case '\n':
			b = append(b, '\\', 'n')
		case '\\', '"':
			b = append(b, '\\', c)
		default:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		start = i + 1
	}
	return append(append(b, s[start:]...), '"')
}
