package resolvers

import (
	"context"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/upstream"
)

// objectField is a field that holds an object, or null where get returns nil.
func objectField[T, V any](t *objectType[V], get func(*T) *V) branch[T] {
	return func(ctx context.Context, f graphql.CollectedField) (leaf[T], upstream.Sections, bool) {
		e, ok := compile(ctx, t, f.Selections)
		if !ok {
			return nil, 0, false
		}
		return func(b []byte, v *T) []byte { return e.pointer(b, get(v)) }, e.sections, true
	}
}

// listField is one of an activity's heavy lists.
func listField[V any](t *objectType[V], get func(*upstream.Details) []*V) branch[model.ScalingActivity] {
	return func(ctx context.Context, f graphql.CollectedField) (leaf[model.ScalingActivity], upstream.Sections, bool) {
		e, ok := compile(ctx, t, f.Selections)
		if !ok {
			return nil, 0, false
		}
		return func(b []byte, a *model.ScalingActivity) []byte { return e.pointers(b, get(&a.Details)) }, sectionOf[f.Name], true
	}
}

// textsField is a list of texts that is made of an activity's heavy lists.
func textsField(get func(*upstream.Details) []string) branch[model.ScalingActivity] {
	return func(_ context.Context, f graphql.CollectedField) (leaf[model.ScalingActivity], upstream.Sections, bool) {
		return func(b []byte, a *model.ScalingActivity) []byte {
			b = append(b, '[')
			for i, text := range get(&a.Details) {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendQuoted(b, text)
			}
			return append(b, ']')
		}, sectionOf[f.Name], true
	}
}

// valuesField is a list that is always there.
func valuesField[T, V any](t *objectType[V], get func(*T) []V) branch[T] {
	return func(ctx context.Context, f graphql.CollectedField) (leaf[T], upstream.Sections, bool) {
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

// appendOptional writes a String, or null.
func appendOptional(b []byte, s *string) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	return appendQuoted(b, *s)
}

// appendQuoted writes a String as gqlgen does: nothing is escaped but what must be.
func appendQuoted(b []byte, s string) []byte {
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
