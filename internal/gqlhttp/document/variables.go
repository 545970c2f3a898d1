package document

import (
	"encoding/json"
	"math"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
)

// CheckVariables rejects values that gqlgen coerces although the specification does not: numbers and Booleans in strings, Ints of more than
// 32 bits, and OneOf inputs with several members. Messages name the path, never the value.
func CheckVariables(schema *ast.Schema, op *ast.OperationDefinition, values map[string]any) *gqlerror.Error {
	c := coercion{schema: schema, left: maxValues}
	for _, def := range op.VariableDefinitions {
		value, given := values[def.Variable]
		path := ast.Path{ast.PathName(def.Variable)}
		if !given {
			if def.Type.NonNull && def.DefaultValue == nil {
				return wrongVariable(path, "is required")
			}
			continue
		}
		if err := c.check(def.Type, value, path); err != nil {
			return err
		}
	}
	return nil
}

// maxValues bounds how many values the variables of a request may hold; no argument takes more than a few hundred.
const maxValues = 10_000

// coercion checks the variables of one request.
type coercion struct {
	schema *ast.Schema
	left   int // values that may still come
}

func (c *coercion) check(t *ast.Type, value any, path ast.Path) *gqlerror.Error {
	c.left--
	switch {
	case c.left < 0:
		return apierr.New(apierr.TooComplex, "The variables hold more than %d values; at most %[1]d are allowed.", maxValues)
	case value == nil && t.NonNull:
		return wrongVariable(path, "must not be null")
	case value == nil:
		return nil
	case t.Elem != nil:
		return c.list(t.Elem, value, path)
	}
	def := c.schema.Types[t.NamedType]
	switch {
	case def == nil:
		return wrongVariable(path, "has an unknown type")
	case def.Kind == ast.InputObject:
		return c.object(def, value, path)
	case def.Kind == ast.Enum:
		text, ok := value.(string)
		if !ok || def.EnumValues.ForName(text) == nil {
			return wrongVariable(path, "is no value of "+def.Name)
		}
	case !scalarFits(def.Name, value):
		return wrongVariable(path, "is no "+def.Name)
	}
	return nil
}

// list takes a single value for a list of one, as the specification does.
func (c *coercion) list(elem *ast.Type, value any, path ast.Path) *gqlerror.Error {
	items, ok := value.([]any)
	if !ok {
		return c.check(elem, value, path)
	}
	for i, item := range items {
		if err := c.check(elem, item, below(path, ast.PathIndex(i))); err != nil {
			return err
		}
	}
	return nil
}

func (c *coercion) object(def *ast.Definition, value any, path ast.Path) *gqlerror.Error {
	members, ok := value.(map[string]any)
	if !ok {
		return wrongVariable(path, "must be an object of "+def.Name)
	}
	if def.Directives.ForName("oneOf") != nil && !oneMember(members) {
		return wrongVariable(path, "must have exactly one member, which is not null")
	}
	known := 0
	for _, f := range def.Fields {
		member, given := members[f.Name]
		at := below(path, ast.PathName(f.Name))
		switch {
		case given:
			known++
			if err := c.check(f.Type, member, at); err != nil {
				return err
			}
		case f.Type.NonNull && f.DefaultValue == nil:
			return wrongVariable(at, "is required")
		}
	}
	if known < len(members) {
		return wrongVariable(path, "has a member that "+def.Name+" does not have")
	}
	return nil
}

// below is a path of its own.
func below(path ast.Path, step ast.PathElement) ast.Path {
	return append(path[:len(path):len(path)], step)
}

func oneMember(members map[string]any) bool {
	for _, member := range members {
		return len(members) == 1 && member != nil
	}
	return false
}

// scalarFits reports whether a JSON value may stand for a scalar. Scalars that are not the specification's own check themselves.
func scalarFits(name string, value any) bool {
	number, isNumber := value.(json.Number)
	_, isText := value.(string)
	_, isTruth := value.(bool)
	switch name {
	case "Int":
		return isNumber && isInt32(number)
	case "Float":
		return isNumber
	case "String":
		return isText
	case "Boolean":
		return isTruth
	case "ID":
		_, err := number.Int64()
		return isText || isNumber && err == nil
	}
	return true
}

// isInt32 takes 5.0 and 5e0 for whole numbers, as the specification does.
func isInt32(n json.Number) bool {
	f, err := n.Float64()
	return err == nil && f == math.Trunc(f) && math.MinInt32 <= f && f <= math.MaxInt32
}

// wrongVariable says what is wrong with a variable, or with a part of it.
func wrongVariable(path ast.Path, what string) *gqlerror.Error {
	return apierr.New(apierr.BadUserInput, "The variable $%s %s.", path, what)
}
