// Package rowjson encodes connections of activities. Rows are most of every response, and for each of them gqlgen makes a goroutine, a context for each
// field and a value for each leaf. A connection whose selection is plain is therefore encoded at once: none of its fields can fail, is deferred or needs a
// read of its own. The bytes are those that gqlgen would write.
package rowjson

import (
	"bytes"
	"context"
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// Connection returns a marshaler that encodes a connection with a selection set when gqlgen writes the response; false if the selection is not
// plain, or if rows lack a section that it needs.
func Connection(ctx context.Context, c *model.ScalingActivityConnection, set ast.SelectionSet) (graphql.Marshaler, bool) {
	e, ok := compile(ctx, connectionType, set)
	if !ok || !haveSections(c.Nodes, e.sections) {
		return nil, false
	}
	return encodedConnection{e, c}, true
}

func haveSections(rows []model.ScalingActivity, sections upstream.Sections) bool {
	for i := range rows {
		if !rows[i].Details.Sections.Has(sections) {
			return false
		}
	}
	return true
}

// scalarWriter appends the value of one field. It never fails.
type scalarWriter[T any] func(b []byte, v *T) []byte

// fieldCompiler returns the writer of a field that has a selection of its own, and the sections that it needs; false if the selection is not plain.
type fieldCompiler[T any] func(ctx context.Context, f graphql.CollectedField) (scalarWriter[T], upstream.Sections, bool)

// objectType describes a GraphQL type that T stands for.
type objectType[T any] struct {
	names   []string // that a fragment on it may name, its own first
	scalars map[string]scalarWriter[T]
	objects map[string]fieldCompiler[T]
}

// encoder writes one selection of T.
type encoder[T any] struct {
	fields   []encoderField[T]
	sections upstream.Sections // that rows must have
}

type encoderField[T any] struct {
	key   []byte // "name":
	write scalarWriter[T]
}

// compile returns the encoder of a selection; false if it is not plain.
func compile[T any](ctx context.Context, t *objectType[T], set ast.SelectionSet) (*encoder[T], bool) {
	fields := graphql.CollectFields(graphql.GetOperationContext(ctx), set, t.names)
	e := &encoder[T]{fields: make([]encoderField[T], 0, len(fields))}
	keys := make([]byte, 0, 20*len(fields)) // of all fields, in one allocation
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

func (t *objectType[T]) field(ctx context.Context, f graphql.CollectedField) (scalarWriter[T], upstream.Sections, bool) {
	if f.Name == "__typename" {
		return func(b []byte, _ *T) []byte { return appendString(b, t.names[0]) }, 0, true
	}
	if write, ok := t.scalars[f.Name]; ok {
		return write, 0, true
	}
	if compileField, ok := t.objects[f.Name]; ok {
		return compileField(ctx, f)
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

// pointers writes a list; it is never null.
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

// encodedConnection is a connection that is encoded when gqlgen writes the response, into its buffer.
type encodedConnection struct {
	encoder    *encoder[model.ScalingActivityConnection]
	connection *model.ScalingActivityConnection
}

// trailerRoom is the space for the rest of the response after a connection, in bytes, so that the buffer need not grow for it.
const trailerRoom = 512

// MarshalGQL grows the buffer once for all rows, by the size of the first.
func (w encodedConnection) MarshalGQL(to io.Writer) {
	b, ok := to.(*bytes.Buffer)
	if !ok {
		_, _ = to.Write(w.encoder.append(nil, w.connection)) // the client may be gone
		return
	}
	if n := len(w.connection.Nodes); n > 0 {
		first := *w.connection
		first.Nodes, first.Edges = first.Nodes[:1], first.Edges[:min(1, len(first.Edges))]
		size := len(w.encoder.append(b.AvailableBuffer(), &first))
		b.Grow((size+size/8+1)*n + trailerRoom)
	}
	b.Write(w.encoder.append(b.AvailableBuffer(), w.connection))
}
