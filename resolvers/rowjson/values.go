package rowjson

import (
	"context"
	"maps"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/resolvers/selection"
	"scalegraph/upstream"
	"scalegraph/upstream/fields"
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

// listsOf returns the fields that are lists of an activity.
func listsOf[E any](lists []fields.List[E], entry *objectType[E]) map[string]fieldCompiler[model.ScalingActivity] {
	compilers := make(map[string]fieldCompiler[model.ScalingActivity], len(lists))
	for _, l := range lists {
		compilers[l.Name] = func(ctx context.Context, f graphql.CollectedField) (scalarWriter[model.ScalingActivity], upstream.Sections, bool) {
			e, ok := compile(ctx, entry, f.Selections)
			if !ok {
				return nil, 0, false
			}
			return func(b []byte, a *model.ScalingActivity) []byte { return e.pointers(b, *l.Entries(&a.Details)) }, l.Section, true
		}
	}
	return compilers
}

// scalarsOf returns the writers of the described fields of the V in a T, without those that are objects.
func scalarsOf[T, V any](list []fields.Field[V], in func(*T) *V) map[string]scalarWriter[T] {
	writers := make(map[string]scalarWriter[T], len(list))
	for _, f := range list {
		if write := scalarOf(f, in); write != nil {
			writers[f.Name] = write
		}
	}
	return writers
}

// scalarOf returns nil if the field is an object.
func scalarOf[T, V any](f fields.Field[V], in func(*T) *V) scalarWriter[T] {
	switch f.Ptr(new(V)).(type) {
	case *string:
		return func(b []byte, v *T) []byte { return appendString(b, *f.Ptr(in(v)).(*string)) }
	case **string:
		return func(b []byte, v *T) []byte { return appendOptionalString(b, *f.Ptr(in(v)).(**string)) }
	case **int32:
		return func(b []byte, v *T) []byte { return appendInt(b, *f.Ptr(in(v)).(**int32)) }
	case *time.Time:
		return func(b []byte, v *T) []byte { return appendTime(b, f.Ptr(in(v)).(*time.Time)) }
	}
	return nil
}

// itself is for objects that are described themselves.
func itself[T any](v *T) *T { return v }

// with adds the entries of more to m.
func with[V any](m, more map[string]V) map[string]V {
	maps.Copy(m, more)
	return m
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

// appendTime writes a DateTime; null if t is nil or zero.
func appendTime(b []byte, t *time.Time) []byte {
	if t == nil || t.IsZero() {
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

// appendString appends a String as gqlgen writes it, with only the escapes that JSON requires.
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
