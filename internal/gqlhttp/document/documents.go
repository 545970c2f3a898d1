// Package document turns the text of a request, or the id of a persisted text, into a validated GraphQL document. Persisted finds the
// text, Documents parses it, checks the limits and validates it, and CheckVariables checks the variables. Nothing is executed here.
package document

import (
	"errors"
	"strings"

	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/incremental"
)

// Config configures Documents and Persisted. Limits must be set.
type Config struct {
	Limits        Limits
	Introspection bool       // also switches suggestions in messages
	Trusted       *Trusted   // nil: none
	TrustedOnly   bool       // reject all other documents
	Queries       QueryStore // shares automatically persisted queries with other processes; nil: they are in memory only
}

// Documents parses and validates the texts of operations, and caches those that are valid. It is safe for concurrent use.
type Documents struct {
	schema *ast.Schema
	limiter
	introspection      bool
	strict, suggesting []rule // suggesting: with suggestions in the messages
	cache              *otter.Cache[string, *ast.QueryDocument]
}

const (
	maxCacheBytes = 32 << 20 // of cached documents, estimated
	bytesPerChar  = 48       // memory of a parsed document for each byte of its text, estimated
)

// New returns the Documents of a schema, with an empty cache.
func New(schema *ast.Schema, cfg Config) *Documents {
	return &Documents{
		schema:        schema,
		limiter:       limiter{cfg.Limits, newIntrospectionSizes(schema)},
		introspection: cfg.Introspection,
		strict:        rules(false, cfg.Introspection),
		suggesting:    rules(true, cfg.Introspection),
		cache: otter.Must(&otter.Options[string, *ast.QueryDocument]{
			MaximumWeight: maxCacheBytes,
			Weigher:       func(text string, _ *ast.QueryDocument) uint32 { return uint32(4096 + bytesPerChar*len(text)) },
		}),
	}
}

// Read returns the validated document of a text, or errors with codes. The document is shared and must not be changed. If deferred is
// false its @defer directives are removed, because the response has a single part.
func (d *Documents) Read(text string, deferred bool) (*ast.QueryDocument, gqlerror.List) {
	key := text
	if deferred = deferred && strings.Contains(text, "defer"); deferred {
		key = "defer:" + text // not a valid document, so it is the key of no other text
	}
	if doc, ok := d.cache.GetIfPresent(key); ok {
		return doc, nil
	}
	parsed, errs := d.check(text)
	if errs != nil {
		return nil, errs
	}
	if !deferred {
		incremental.RemoveDefer(parsed)
	}
	d.cache.Set(key, parsed)
	return parsed, nil
}

func (d *Documents) check(text string) (*ast.QueryDocument, gqlerror.List) {
	doc, err := d.parse(text)
	if err != nil {
		return nil, gqlerror.List{err}
	}
	if len(doc.Operations) == 0 {
		return nil, gqlerror.List{apierr.New(apierr.OperationUnresolved, "The document has no operation.")}
	}
	if err := d.limiter.check(doc); err != nil {
		return nil, gqlerror.List{err}
	}
	return doc, d.validate(doc, text)
}

func (d *Documents) parse(text string) (*ast.QueryDocument, *gqlerror.Error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, d.limits.Tokens)
	if err == nil {
		return doc, nil
	}
	wrong, ok := errors.AsType[*gqlerror.Error](err)
	if !ok {
		return nil, apierr.New(apierr.ParseFailed, "The document cannot be read.")
	}
	if len(wrong.Locations) == 0 { // the parser locates every error but this one
		return nil, apierr.New(apierr.TooComplex, "The document has more than %d tokens; at most %[1]d are allowed.", d.limits.Tokens)
	}
	return nil, apierr.WithCode(wrong, apierr.ParseFailed)
}

// maxSuggested bounds the texts for which suggestions are made, in bytes, because comparing long names with all names of the schema is
// slow.
const maxSuggested = 4 << 10

// validate runs the rules without suggestions. If they report at most MaxErrors errors it runs them again with suggestions.
func (d *Documents) validate(doc *ast.QueryDocument, text string) gqlerror.List {
	errs := validate(d.schema, doc, d.strict)
	if len(errs) == 0 || len(errs) > MaxErrors || len(text) > maxSuggested || !d.introspection {
		return errs
	}
	fresh, err := d.parse(text) // the first validation has completed doc
	if err != nil {
		return errs
	}
	return validate(d.schema, fresh, d.suggesting)
}

// SelectOperation returns the operation with the given name. The name may be empty if the document has only one operation.
func SelectOperation(doc *ast.QueryDocument, name string) (*ast.OperationDefinition, *gqlerror.Error) {
	if op := doc.Operations.ForName(name); op != nil {
		return op, nil
	}
	if name == "" {
		return nil, apierr.New(apierr.OperationUnresolved, "The document has several operations; operationName must say which one to run.")
	}
	return nil, apierr.New(apierr.OperationUnresolved, "The document has no operation of the name that operationName gives.")
}
