package gqlhttp

import (
	"context"
	"errors"
	"strings"

	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"scalegraph/internal/gqlhttp/incremental"
)

// documents reads and checks the texts of operations, and remembers those that were right. It may be used by many goroutines.
type documents struct {
	schema *ast.Schema
	limiter
	introspection bool
	strict, kind  []rule // the kind rules suggest what might have been meant
	kept          *otter.Cache[string, *document]
}

// document is one that may be run, with what is known of it.
type document struct {
	*ast.QueryDocument
}

// keptDocuments bounds the memory of documents that are remembered, in bytes, roughly.
const keptDocuments = 32 << 20

// bytesPerChar is about what a parsed document takes for each byte of its text.
const bytesPerChar = 48

func newDocuments(schema *ast.Schema, cfg Config) *documents {
	return &documents{
		schema:        schema,
		limiter:       limiter{cfg.Limits, scaleOf(schema)},
		introspection: cfg.Introspection,
		strict:        rules(false, cfg.Introspection),
		kind:          rules(true, cfg.Introspection),
		kept: otter.Must(&otter.Options[string, *document]{
			MaximumWeight: keptDocuments,
			Weigher:       func(text string, _ *document) uint32 { return uint32(4096 + bytesPerChar*len(text)) },
		}),
	}
}

// read returns the checked document of a text. It is shared: nobody may change it. Its @defer directives are gone where the answer
// comes in one piece.
func (d *documents) read(text string, inParts bool) (*document, gqlerror.List) {
	key := text
	if inParts = inParts && strings.Contains(text, "defer"); inParts {
		key = "defer:" + text // no document begins so
	}
	if doc, ok := d.kept.GetIfPresent(key); ok {
		return doc, nil
	}
	parsed, errs := d.check(text)
	if errs != nil {
		return nil, errs
	}
	if !inParts {
		incremental.RemoveDefer(parsed)
	}
	doc := &document{QueryDocument: parsed}
	d.kept.Set(key, doc)
	return doc, nil
}

func (d *documents) check(text string) (*ast.QueryDocument, gqlerror.List) {
	doc, err := d.parse(text)
	if err != nil {
		return nil, gqlerror.List{err}
	}
	if len(doc.Operations) == 0 {
		return nil, gqlerror.List{errorf(codeNoOperation, "The document has no operation.")}
	}
	if err := d.limiter.check(doc); err != nil {
		return nil, gqlerror.List{err}
	}
	return doc, d.validate(doc, text)
}

func (d *documents) parse(text string) (*ast.QueryDocument, *gqlerror.Error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, d.limits.Tokens)
	if err == nil {
		return doc, nil
	}
	wrong, ok := errors.AsType[*gqlerror.Error](err)
	if !ok {
		return nil, errorf(codeParseFailed, "The document cannot be read.")
	}
	if len(wrong.Locations) == 0 { // the parser locates every error but this one
		return nil, errorf(codeTooComplex, "The document has more than %d tokens; at most %[1]d are allowed.", d.limits.Tokens)
	}
	return nil, coded(wrong, codeParseFailed)
}

// maxSuggested bounds the texts for which suggestions are made, in bytes: comparing long names with all of the schema's is slow.
const maxSuggested = 4 << 10

// validate runs the rules without suggestions first. What they find is looked at again for suggestions only where that is little.
func (d *documents) validate(doc *ast.QueryDocument, text string) gqlerror.List {
	errs := validate(d.schema, doc, d.strict)
	if len(errs) == 0 || len(errs) > maxErrors || len(text) > maxSuggested || !d.introspection {
		return errs
	}
	again, err := d.parse(text)
	if err != nil {
		return errs
	}
	return validate(d.schema, again, d.kind)
}

// operation chooses what to run by the name that the request gives; without one there must be only one.
func operation(doc *ast.QueryDocument, name string) (*ast.OperationDefinition, *gqlerror.Error) {
	if op := doc.Operations.ForName(name); op != nil {
		return op, nil
	}
	if name == "" {
		return nil, errorf(codeNoOperation, "The document has several operations; operationName must say which one to run.")
	}
	return nil, errorf(codeNoOperation, "The document has no operation of the name that operationName gives.")
}

type documentKey struct{}

// withDocument hands a checked document to gqlgen's executor, which asks its query cache for it.
func withDocument(ctx context.Context, doc *document) context.Context {
	return context.WithValue(ctx, documentKey{}, doc)
}

// handedOver is the query cache that gives out what withDocument put in.
type handedOver struct{}

// Get returns the document of the operation that is being made.
func (handedOver) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc, ok := ctx.Value(documentKey{}).(*document)
	if !ok {
		return nil, false
	}
	return doc.QueryDocument, true
}

// Add is never called: Get has every document.
func (handedOver) Add(context.Context, string, *ast.QueryDocument) {}
