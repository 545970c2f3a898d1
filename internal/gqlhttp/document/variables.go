package document

import (
	"encoding/json"
	"math"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
)

// CheckVariables returns an error for the first variable that the specification does not allow. gqlgen accepts some such values, for
// instance numbers in strings, Ints of more than 32 bits, and OneOf inputs with several members. Messages have the path of the value,
// never the value.
func CheckVariables(schema *ast.Schema, op *ast.OperationDefinition, values map[string]any) *gqlerror.Error {
	c := coercion{schema: schema, remaining: maxValues}
	for _, def := range op.VariableDefinitions {
		value, given := values[def.Variable]
		path := ast.Path{ast.PathName(def.Variable)}
		if !given {
			if def.Type.NonNull && def.DefaultValue == nil {
				return variableError(path, "is required")
			}
			continue
		}
		if err := c.check(def.Type, value, path); err != nil {
			return err
		}
	}
	return nil
}

// maxValues bounds the number of values in the variables of a request. No argument accepts more than a few hundred.
const maxValues = 10_000

// coercion checks the variables of one request.
type coercion struct {
	schema    *ast.Schema
	remaining int // values until maxValues
}

func (c *coercion) check(t *ast.Type, value any, path ast.Path) *gqlerror.Error {
	c.remaining--
	switch {
	case c.remaining < 0:
		return apierr.New(apierr.TooComplex, "The variables hold more than %d values; at most %[1]d are allowed.", maxValues)
	case value == nil && t.NonNull:
		return variableError(path, "must not be null")
	case value == nil:
		return nil
	case t.Elem != nil:
		return c.list(t.Elem, value, path)
	}
	def := c.schema.Types[t.NamedType]
	switch {
	case def == nil:
		return variableError(path, "has an unknown type")
	case def.Kind == ast.InputObject:
		return c.object(def, value, path)
	case def.Kind == ast.Enum:
		text, ok := value.(string)
		if !ok || def.EnumValues.ForName(text) == nil {
			return variableError(path, "is no value of "+def.Name)
		}
	case !acceptsScalar(def.Name, value):
		return variableError(path, "is no "+def.Name)
	}
	return nil
}

// list checks a list. A single value is valid as a list of one, as the specification defines.
func (c *coercion) list(elem *ast.Type, value any, path ast.Path) *gqlerror.Error {
	items, ok := value.([]any)
	if !ok {
		return c.check(elem, value, path)
	}
	for i, item := range items {
		if err := c.check(elem, item, childPath(path, ast.PathIndex(i))); err != nil {
			return err
		}
	}
	return nil
}

func (c *coercion) object(def *ast.Definition, value any, path ast.Path) *gqlerror.Error {
	members, ok := value.(map[string]any)
	if !ok {
		return variableError(path, "must be an object of "+def.Name)
	}
	if def.Directives.ForName("oneOf") != nil && !isOneOf(members) {
		return variableError(path, "must have exactly one member, which is not null")
	}
	known := 0
	for _, f := range def.Fields {
		member, given := members[f.Name]
		at := childPath(path, ast.PathName(f.Name))
		switch {
		case given:
			known++
			if err := c.check(f.Type, member, at); err != nil {
				return err
			}
		case f.Type.NonNull && f.DefaultValue == nil:
			return variableError(at, "is required")
		}
	}
	if known < len(members) {
		return variableError(path, "has a member that "+def.Name+" does not have")
	}
	return nil
}

// childPath returns a copy of path with one more step.
func childPath(path ast.Path, step ast.PathElement) ast.Path {
	return append(path[:len(path):len(path)], step)
}

func isOneOf(members map[string]any) bool {
	for _, member := range members {
		return len(members) == 1 && member != nil
	}
	return false
}

// acceptsScalar reports whether a JSON value is valid for a scalar of the specification. It accepts any value for other scalars, which
// package scalar checks.
func acceptsScalar(name string, value any) bool {
	number, isNumber := value.(json.Number)
	_, isText := value.(string)
	_, isBool := value.(bool)
	switch name {
	case "Int":
		return isNumber && isInt32(number)
	case "Float":
		return isNumber
	case "String":
		return isText
	case "Boolean":
		return isBool
	case "ID":
		_, err := number.Int64()
		return isText || isNumber && err == nil
	}
	return true
}

// isInt32 reports whether n is a whole number of 32 bits. 5.0 and 5e0 are whole numbers, as in the specification.
func isInt32(n json.Number) bool {
	f, err := n.Float64()
	return err == nil && f == math.Trunc(f) && math.MinInt32 <= f && f <= math.MaxInt32
}

// variableError returns the error of a variable, or of a part of it, at path. The fault completes the sentence "The variable $x ...".
func variableError(path ast.Path, fault string) *gqlerror.Error {
	return apierr.New(apierr.BadUserInput, "The variable $%s %s.", path, fault)
}
