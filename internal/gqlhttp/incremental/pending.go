package incremental

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Deferral tracks which fragments of one response are pending. gqlgen writes null for a field that it defers and does not mark it; it
// defers only fields that have a resolver. One goroutine may use it at a time, next to those that execute the operation.
type Deferral struct {
	op     *graphql.OperationContext
	schema *ast.Schema
	labels []string

	mu       sync.Mutex
	resolved map[string]bool // paths of fields in deferred fragments that were resolved together with their object

	pending   map[fragmentKey]*fragment
	early     map[fragmentKey]*graphql.Response // results that arrived before the object that their fragment is in
	announced int                               // fragments announced so far
	unclaimed gqlerror.List                     // errors that gqlgen reported with another fragment than the one they belong to
}

// A fragment is a deferred fragment of one object in the response.
type fragment struct {
	key      fragmentKey
	id       string
	path     ast.Path         // of the object
	label    string           // the client's; empty if it has none
	set      ast.SelectionSet // of the object
	typeName string           // of the object
	fields   []string         // response names of its fields that are deferred
}

// fragmentKey identifies a fragment by the path of its object and its label in the rewritten operation.
type fragmentKey struct{ path, label string }

// Prepare rewrites an operation for execution and returns the Deferral of its response. op must be valid, must not be executed yet, and
// must be used for one execution; the document that it comes from is not changed.
func Prepare(op *graphql.OperationContext, schema *ast.Schema) *Deferral {
	d := &Deferral{op: op, schema: schema, resolved: map[string]bool{}, pending: map[fragmentKey]*fragment{}, early: map[fragmentKey]*graphql.Response{}}
	definition := *op.Operation
	definition.SelectionSet, d.labels = flatten(op, schema)
	op.Operation = &definition
	resolve := op.ResolverMiddleware
	op.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
		d.markResolved(graphql.GetFieldContext(ctx))
		return resolve(ctx, next)
	}
	return d
}

// markResolved records a field of a deferred fragment that gqlgen does not defer.
func (d *Deferral) markResolved(fc *graphql.FieldContext) {
	if fc == nil || fc.IsResolver || fc.Field.Field == nil || !fc.Field.IsDeferred() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resolved[fc.Path().String()] = true
}

func (d *Deferral) isResolved(path ast.Path) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.resolved[path.String()]
}

// add returns the pending fragments of an object that field is in, and adds those that are new to found.
func (d *Deferral) add(found []*fragment, field *graphql.CollectedField, set ast.SelectionSet, typeName string, path ast.Path) []*fragment {
	for _, deferrable := range field.Deferrables {
		key := fragmentKey{path.String(), deferrable.Label}
		f := d.pending[key]
		if f == nil {
			f = &fragment{key: key, id: strconv.Itoa(d.announced), path: slices.Clone(path), label: d.clientLabel(deferrable.Label), set: set, typeName: typeName}
			d.announced++
			d.pending[key] = f
			found = append(found, f)
		}
		f.fields = append(f.fields, field.Alias)
	}
	return found
}

func (d *Deferral) clientLabel(label string) string {
	n, err := strconv.Atoi(label)
	if err != nil || n < 0 || n >= len(d.labels) {
		return ""
	}
	return d.labels[n]
}

// complete removes the fragment that a result of gqlgen belongs to from the pending ones, and returns it with its errors. It returns nil
// if the object of the fragment is not in the response: it was removed by an error, or it is part of a fragment that is still pending.
// The result of such a fragment is stored until takeEarly returns it.
func (d *Deferral) complete(resp *graphql.Response) (*fragment, gqlerror.List) {
	key := fragmentKey{resp.Path.String(), resp.Label}
	f := d.pending[key]
	if f == nil {
		d.early[key] = resp
		return nil, nil
	}
	delete(d.pending, key)
	return f, d.claim(f, resp.Errors)
}

// takeEarly returns the result of a fragment that arrived before its object, nil if it has not arrived yet.
func (d *Deferral) takeEarly(f *fragment) *graphql.Response {
	resp := d.early[f.key]
	delete(d.early, f.key)
	return resp
}

// claim returns the errors that belong to f. gqlgen reports the errors of all fragments of an object with whichever completes first:
// those of a fragment that is still pending wait for it.
func (d *Deferral) claim(f *fragment, errs gqlerror.List) gqlerror.List {
	var own, others gqlerror.List
	for _, err := range slices.Concat(d.unclaimed, errs) {
		if f.covers(err.Path) || !d.isPending(err.Path) {
			own = append(own, err)
		} else {
			others = append(others, err)
		}
	}
	d.unclaimed = others
	return own
}

func (d *Deferral) isPending(path ast.Path) bool {
	for _, f := range d.pending {
		if f.covers(path) {
			return true
		}
	}
	return false
}

// covers reports whether a path leads to a field of the fragment or below it.
func (f *fragment) covers(path ast.Path) bool {
	if len(path) <= len(f.path) || path[:len(f.path)].String() != f.path.String() {
		return false
	}
	name, ok := path[len(f.path)].(ast.PathName)
	return ok && slices.Contains(f.fields, string(name))
}
