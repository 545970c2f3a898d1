package incremental

import (
	"bytes"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidwall/gjson"
	"github.com/vektah/gqlparser/v2/ast"
)

// WholeData returns the data of a response that gqlgen deferred nothing of.
func (d *Deferral) WholeData(data []byte) []byte {
	data, _ = d.initialData(data)
	return data
}

// initialData returns the data of the first part without the deferred fields, and the fragments that these are in.
func (d *Deferral) initialData(data []byte) ([]byte, []*fragment) {
	s := &stripper{Deferral: d}
	s.value(gjson.ParseBytes(data), d.op.Operation.SelectionSet, "Query", nil)
	return s.out.Bytes(), s.found
}

// fragmentData returns the data of a fragment without the fields that are deferred further, and the fragments that these are in.
func (d *Deferral) fragmentData(f *fragment, data []byte) ([]byte, []*fragment) {
	s := &stripper{Deferral: d}
	v := gjson.ParseBytes(data)
	if !v.IsObject() {
		return data, nil
	}
	s.object(v, f.set, f.typeName, f.path, true)
	return s.out.Bytes(), s.found
}

// stripper copies data without the fields that are deferred.
type stripper struct {
	*Deferral
	out   bytes.Buffer
	found []*fragment
}

func (s *stripper) value(v gjson.Result, set ast.SelectionSet, typeName string, path ast.Path) {
	switch {
	case v.IsObject() && len(set) > 0:
		s.object(v, set, typeName, path, false)
	case v.IsArray() && len(set) > 0:
		s.out.WriteByte('[')
		for i, element := range v.Array() {
			if i > 0 {
				s.out.WriteByte(',')
			}
			s.value(element, set, typeName, childPath(path, ast.PathIndex(i)))
		}
		s.out.WriteByte(']')
	default:
		s.out.WriteString(v.Raw)
	}
}

// object copies one object. If it is the data of a fragment, its own fields are those that were deferred, and none of them is removed.
func (s *stripper) object(v gjson.Result, set ast.SelectionSet, typeName string, path ast.Path, isFragment bool) {
	if name := v.Get(typenameAlias); name.Exists() {
		typeName = name.Str
	}
	fields := graphql.CollectFields(s.op, set, s.satisfies(typeName))
	s.out.WriteByte('{')
	written := 0
	v.ForEach(func(key, value gjson.Result) bool {
		at := childPath(path, ast.PathName(key.Str))
		field := fieldByAlias(fields, key.Str)
		if key.Str == typenameAlias || field == nil {
			return true
		}
		if !isFragment && value.Type == gjson.Null && field.IsDeferred() && !s.isResolved(at) {
			s.found = s.add(s.found, field, set, typeName, path)
			return true
		}
		if written++; written > 1 {
			s.out.WriteByte(',')
		}
		s.out.WriteString(key.Raw)
		s.out.WriteByte(':')
		s.value(value, field.Selections, fieldTypeName(field), at)
		return true
	})
	s.out.WriteByte('}')
}

// satisfies returns the type conditions that an object of a concrete type meets.
func (d *Deferral) satisfies(typeName string) []string {
	def := d.schema.Types[typeName]
	if def == nil {
		return []string{typeName}
	}
	names := append([]string{typeName}, def.Interfaces...)
	for _, abstract := range d.schema.GetImplements(def) { // unions, too
		if !slices.Contains(names, abstract.Name) {
			names = append(names, abstract.Name)
		}
	}
	return names
}

func fieldByAlias(fields []graphql.CollectedField, alias string) *graphql.CollectedField {
	i := slices.IndexFunc(fields, func(f graphql.CollectedField) bool { return f.Alias == alias })
	if i < 0 {
		return nil
	}
	return &fields[i]
}

func fieldTypeName(field *graphql.CollectedField) string {
	if field.Definition == nil {
		return ""
	}
	return field.Definition.Type.Name()
}

// childPath returns path with one more element. It does not touch memory that path shares with others.
func childPath(path ast.Path, element ast.PathElement) ast.Path {
	return append(path[:len(path):len(path)], element)
}
