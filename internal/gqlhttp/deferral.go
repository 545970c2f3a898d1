package gqlhttp

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidwall/gjson"
	"github.com/vektah/gqlparser/v2/ast"
)

type deferralKey struct{}

// withDeferral has documents read with their @defer directives.
func withDeferral(ctx context.Context) context.Context {
	return context.WithValue(ctx, deferralKey{}, true)
}

func withoutDeferral(ctx context.Context) context.Context {
	return context.WithValue(ctx, deferralKey{}, false)
}

func deferralWanted(ctx context.Context) bool {
	wanted, _ := ctx.Value(deferralKey{}).(bool)
	return wanted
}

// hasDeferral reports whether a document has a @defer directive.
func hasDeferral(doc *ast.QueryDocument) bool {
	return slices.ContainsFunc(doc.Operations, func(op *ast.OperationDefinition) bool { return setDefers(op.SelectionSet) }) ||
		slices.ContainsFunc(doc.Fragments, func(f *ast.FragmentDefinition) bool { return setDefers(f.SelectionSet) })
}

func setDefers(set ast.SelectionSet) bool {
	return slices.ContainsFunc(set, func(selection ast.Selection) bool {
		switch part := selection.(type) {
		case *ast.Field:
			return setDefers(part.SelectionSet)
		case *ast.InlineFragment:
			return part.Directives.ForName("defer") != nil || setDefers(part.SelectionSet)
		case *ast.FragmentSpread:
			return part.Directives.ForName("defer") != nil
		}
		return false
	})
}

// A deferral knows which parts of an answer are still to come. gqlgen writes null for a field that it defers, and does not say
// which those are; it defers none but fields with a resolver of their own.
type deferral struct {
	op     *graphql.OperationContext
	schema *ast.Schema

	mu     sync.Mutex
	at     map[string]bool // paths of fields in deferred fragments that were resolved at once
	groups map[string]*group
	count  int
}

// A group is the deferred fields of one object with one label: they come together.
type group struct {
	id    string
	path  ast.Path
	label string
	set   ast.SelectionSet // of the object
	kind  string           // the object's static type
}

func newDeferral(op *graphql.OperationContext, schema *ast.Schema) *deferral {
	d := &deferral{op: op, schema: schema, at: map[string]bool{}, groups: map[string]*group{}}
	resolve := op.ResolverMiddleware
	op.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
		d.note(graphql.GetFieldContext(ctx))
		return resolve(ctx, next)
	}
	return d
}

// note remembers a field in a deferred fragment that is resolved with the object that it stands in.
func (d *deferral) note(fc *graphql.FieldContext) {
	if fc == nil || fc.IsResolver || fc.Field.Field == nil || !fc.Field.IsDeferred() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at[fc.Path().String()] = true
}

func (d *deferral) resolved(path ast.Path) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at[path.String()]
}

// first returns the data of the first part without the fields that are to come, and the groups that those are in.
func (d *deferral) first(data []byte) ([]byte, []*group) {
	w := &remover{deferral: d}
	w.value(gjson.ParseBytes(data), d.op.Operation.SelectionSet, "Query", nil, false)
	return w.out.Bytes(), w.found
}

// later is first for the data of a group.
func (d *deferral) later(g *group, data []byte) ([]byte, []*group) {
	w := &remover{deferral: d}
	w.value(gjson.ParseBytes(data), g.set, g.kind, g.path, true)
	return w.out.Bytes(), w.found
}

// take returns the group that a part belongs to, once; nil where its object is not in the answer.
func (d *deferral) take(path ast.Path, label string) *group {
	key := groupKey(path, label)
	g := d.groups[key]
	delete(d.groups, key)
	return g
}

func groupKey(path ast.Path, label string) string { return path.String() + "\x00" + label }

// remover copies data and leaves out what is to come.
type remover struct {
	*deferral
	out   bytes.Buffer
	found []*group
}

func (w *remover) value(v gjson.Result, set ast.SelectionSet, kind string, path ast.Path, later bool) {
	switch {
	case v.IsObject() && len(set) > 0:
		w.object(v, set, kind, path, later)
	case v.IsArray() && len(set) > 0:
		w.out.WriteByte('[')
		for i, entry := range v.Array() {
			if i > 0 {
				w.out.WriteByte(',')
			}
			w.value(entry, set, kind, join(path, ast.PathIndex(i)), false)
		}
		w.out.WriteByte(']')
	default:
		w.out.WriteString(v.Raw)
	}
}

// object copies one object. That of a group has the deferred fields themselves, and keeps them.
func (w *remover) object(v gjson.Result, set ast.SelectionSet, kind string, path ast.Path, later bool) {
	fields := graphql.CollectFields(w.op, set, w.types(kind))
	w.out.WriteByte('{')
	written := 0
	v.ForEach(func(key, value gjson.Result) bool {
		field := named(fields, key.Str)
		if field == nil {
			field = &graphql.CollectedField{}
		}
		at := join(path, ast.PathName(key.Str))
		if !later && value.Type == gjson.Null && field.Field != nil && field.IsDeferred() && !w.resolved(at) {
			w.expect(field, set, kind, path)
			return true
		}
		if written++; written > 1 {
			w.out.WriteByte(',')
		}
		w.out.WriteString(key.Raw)
		w.out.WriteByte(':')
		w.value(value, field.Selections, typeOf(field), at, false)
		return true
	})
	w.out.WriteByte('}')
}

// expect notes the groups that a field to come is in.
func (w *remover) expect(field *graphql.CollectedField, set ast.SelectionSet, kind string, path ast.Path) {
	for _, d := range field.Deferrables {
		key := groupKey(path, d.Label)
		if w.groups[key] == nil {
			g := &group{id: strconv.Itoa(w.count), path: slices.Clone(path), label: d.Label, set: set, kind: kind}
			w.count++
			w.groups[key] = g
			w.found = append(w.found, g)
		}
	}
}

// types returns what a fragment on an object may name: nil, which is anything, where the object's type shows only when it is
// resolved.
func (d *deferral) types(kind string) []string {
	def := d.schema.Types[kind]
	if def == nil || def.Kind != ast.Object {
		return nil
	}
	return append([]string{def.Name}, def.Interfaces...)
}

func named(fields []graphql.CollectedField, alias string) *graphql.CollectedField {
	i := slices.IndexFunc(fields, func(f graphql.CollectedField) bool { return f.Alias == alias })
	if i < 0 {
		return nil
	}
	return &fields[i]
}

func typeOf(field *graphql.CollectedField) string {
	if field.Field == nil || field.Definition == nil {
		return ""
	}
	return field.Definition.Type.Name()
}

// join appends without touching what path shares with others.
func join(path ast.Path, element ast.PathElement) ast.Path {
	return append(path[:len(path):len(path)], element)
}
