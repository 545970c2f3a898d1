package document

import (
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	specified "github.com/vektah/gqlparser/v2/validator/rules"

	"scalegraph/internal/apierr"
)

type rule = core.Rule

// MaxErrors bounds the number of errors in the response to an invalid document.
const MaxErrors = 20

// rules returns the validation rules of the specification and those of this package, sorted by name. With suggest, messages suggest
// similar names of the schema; without introspection, introspection is an error.
func rules(suggest, introspection bool) []rule {
	all := specified.NewDefaultRules()
	if !suggest {
		for _, r := range []rule{
			specified.FieldsOnCorrectTypeRuleWithoutSuggestions,
			specified.KnownArgumentNamesRuleWithoutSuggestions,
			specified.KnownTypeNamesRuleWithoutSuggestions,
			specified.ScalarLeafsRuleWithoutSuggestions,
			specified.ValuesOfCorrectTypeRuleWithoutSuggestions,
		} {
			all.RemoveRule(r.Name[:len(r.Name)-len("WithoutSuggestions")])
			all.AddRule(r.Name, r.RuleFunc)
		}
	}
	all.AddRule("IntsHave32Bits", int32Range)
	if !introspection {
		all.AddRule("NoIntrospection", noIntrospection)
	}
	var list []rule
	for name, check := range all.GetInner() {
		list = append(list, rule{Name: name, RuleFunc: check})
	}
	slices.SortFunc(list, func(a, b rule) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// validate runs the rules and returns at most MaxErrors+1 errors; none if the document is valid. It sets the schema's definitions in
// the document, which execution needs.
func validate(schema *ast.Schema, doc *ast.QueryDocument, list []rule) gqlerror.List {
	var errs gqlerror.List
	events := &core.Events{}
	for _, r := range list {
		r.RuleFunc(events, func(options ...core.ErrorOption) {
			if len(errs) > MaxErrors {
				return
			}
			err := &gqlerror.Error{Rule: r.Name}
			for _, option := range options {
				option(err)
			}
			errs = append(errs, apierr.WithCode(err, apierr.ValidationFailed))
		})
	}
	arguments := recordArguments(events)
	core.Walk(schema, doc, events)
	for _, err := range errs {
		nameArgument(err, arguments)
	}
	return errs
}

// recordArguments registers a rule that maps the location of each value to the name of its argument, because the messages of the
// specification's rules lack the name. The map is filled during the walk.
func recordArguments(events *core.Events) map[gqlerror.Location]string {
	arguments := map[gqlerror.Location]string{}
	events.OnField(func(_ *core.Walker, f *ast.Field) {
		for _, a := range f.Arguments {
			recordValue(arguments, a.Name, a.Value)
		}
	})
	return arguments
}

func recordValue(arguments map[gqlerror.Location]string, name string, v *ast.Value) {
	arguments[gqlerror.Location{Line: v.Position.Line, Column: v.Position.Column}] = name
	for _, child := range v.Children {
		recordValue(arguments, name, child.Value)
	}
}

func nameArgument(err *gqlerror.Error, arguments map[gqlerror.Location]string) {
	if len(err.Locations) == 0 || !strings.HasPrefix(err.Rule, "ValuesOfCorrectType") && err.Rule != "IntsHave32Bits" {
		return
	}
	if name, ok := arguments[err.Locations[0]]; ok {
		err.Message = "Argument `" + name + "`: " + err.Message
	}
}

// int32Range rejects Int literals of more than 32 bits, which gqlparser's rule on values accepts.
func int32Range(events *core.Events, addError core.AddErrFunc) {
	events.OnValue(func(_ *core.Walker, v *ast.Value) {
		if v.Kind != ast.IntValue || v.Definition == nil || v.Definition.Name != "Int" {
			return
		}
		if _, err := strconv.ParseInt(v.Raw, 10, 32); err != nil {
			addError(core.Message("Int cannot represent non 32-bit signed integer value."), core.At(v.Position))
		}
	})
}

// noIntrospection rejects __schema and __type. It allows __typename.
func noIntrospection(events *core.Events, addError core.AddErrFunc) {
	events.OnField(func(_ *core.Walker, f *ast.Field) {
		if f.Name == "__schema" || f.Name == "__type" {
			addError(core.Message("Introspection is switched off."), core.At(f.Position))
		}
	})
}

// CheckRootField returns an error for a subscription that does not select exactly one root field. Unlike the specification's validation
// rule it merges fields of one response name and applies @skip and @include with the variables of the request.
func CheckRootField(op *graphql.OperationContext) *gqlerror.Error {
	if op.Operation.Operation != ast.Subscription {
		return nil
	}
	fields := graphql.CollectFields(op, op.Operation.SelectionSet, nil)
	if len(fields) == 1 {
		return nil
	}
	return validationError(op.Operation.Position, "A subscription must select exactly one root field; this one selects %d.", len(fields))
}

// validationError returns an error with the code VALIDATION_FAILED and a location.
func validationError(at *ast.Position, format string, args ...any) *gqlerror.Error {
	err := apierr.New(apierr.ValidationFailed, format, args...)
	core.At(at)(err)
	return err
}
