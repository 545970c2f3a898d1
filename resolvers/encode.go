package resolvers

import (
	"bytes"
	"context"
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// Rows are most of every answer, and gqlgen makes for each of them a goroutine, a context for each field and a value for each leaf.
// A connection is therefore written in one go where its selection is plain: no field of it can fail, is deferred or needs a read of
// its own. gqlgen goes on as usual where it is not. Either way the bytes are the same.

var _ graphql.FieldInterceptor = Extension{}

// InterceptField has connections written in one go.
func (Extension) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	value, err := next(ctx)
	c, ok := value.(*model.ScalingActivityConnection)
	if err != nil || !ok || c == nil {
		return value, err
	}
	if e, ok := compile(ctx, connectionType, graphql.GetFieldContext(ctx).Field.Selections); ok && haveSections(c.Nodes, e.sections) {
		return written{e, c}, nil
	}
	return c, nil
}

func haveSections(rows []model.ScalingActivity, sections upstream.Sections) bool {
	for i := range rows {
		if !rows[i].Details.Sections.Has(sections) {
			return false
		}
	}
	return true
}

// A leaf appends one field's value. It never fails.
type leaf[T any] func(b []byte, v *T) []byte

// A branch makes the leaf of a field that has a selection of its own, and names the sections which that needs; false where the
// selection is not plain.
type branch[T any] func(ctx context.Context, f graphql.CollectedField) (leaf[T], upstream.Sections, bool)

// objectType describes a GraphQL type that T stands for.
type objectType[T any] struct {
	names    []string // that a fragment on it may have, its own first
	leaves   map[string]leaf[T]
	branches map[string]branch[T]
}

// encoder writes one selection of T.
type encoder[T any] struct {
	fields   []encoderField[T]
	sections upstream.Sections // that rows must have
}

type encoderField[T any] struct {
	key   []byte // "name":
	write leaf[T]
}

// compile makes an encoder of a selection; false where it is not plain.
func compile[T any](ctx context.Context, t *objectType[T], set ast.SelectionSet) (*encoder[T], bool) {
	fields := graphql.CollectFields(graphql.GetOperationContext(ctx), set, t.names)
	e := &encoder[T]{fields: make([]encoderField[T], 0, len(fields))}
	keys := make([]byte, 0, 20*len(fields)) // of all fields, in one go
	for _, f := range fields {
		write, sections, ok := t.field(ctx, f)
		if !ok || f.IsDeferred() {
			return nil, false
		}
		e.sections |= sections
		at := len(keys)
		keys = append(append(append(keys, '"'), f.Alias...), `":`...) // names need no escaping
		e.fields = append(e.fields, encoderField[T]{keys[at:], write})
	}
	return e, true
}

func (t *objectType[T]) field(ctx context.Context, f graphql.CollectedField) (leaf[T], upstream.Sections, bool) {
	if f.Name == "__typename" {
		return func(b []byte, _ *T) []byte { return appendQuoted(b, t.names[0]) }, 0, true
	}
	if write, ok := t.leaves[f.Name]; ok {
		return write, 0, true
	}
	if grow, ok := t.branches[f.Name]; ok {
		return grow(ctx, f)
	}
	return nil, 0, false
}

// append writes one object.
func (e *encoder[T]) append(b []byte, v *T) []byte {
	b = append(b, '{')
	for i := range e.fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e.fields[i].key...)
		b = e.fields[i].write(b, v)
	}
	return append(b, '}')
}

// values writes a list of objects.
func (e *encoder[T]) values(b []byte, values []T) []byte {
	b = append(b, '[')
	for i := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.append(b, &values[i])
	}
	return append(b, ']')
}

// pointers writes a list that is there even where it has no entries.
func (e *encoder[T]) pointers(b []byte, values []*T) []byte {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.append(b, v)
	}
	return append(b, ']')
}

// pointer writes an object, or null.
func (e *encoder[T]) pointer(b []byte, v *T) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	return e.append(b, v)
}

// written is a connection that is written when gqlgen writes the answer, straight into its buffer.
type written struct {
	encoder    *encoder[model.ScalingActivityConnection]
	connection *model.ScalingActivityConnection
}

// behind is room for what follows a connection, in bytes, so that the buffer need not be doubled for it.
const behind = 512

// MarshalGQL makes room for all rows at once, judged by the first.
func (w written) MarshalGQL(to io.Writer) {
	b, ok := to.(*bytes.Buffer)
	if !ok {
		_, _ = to.Write(w.encoder.append(nil, w.connection)) // nobody is left to hear of a broken connection
		return
	}
	if n := len(w.connection.Nodes); n > 0 {
		first := *w.connection
		first.Nodes, first.Edges = first.Nodes[:1], first.Edges[:min(1, len(first.Edges))]
		size := len(w.encoder.append(b.AvailableBuffer(), &first))
		b.Grow((size+size/8+1)*n + behind)
	}
	b.Write(w.encoder.append(b.AvailableBuffer(), w.connection))
}
