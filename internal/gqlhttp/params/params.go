// Package params parses the parameters of GraphQL operations. Errors do not repeat any part of the request.
package params

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/document"
)

// Params are the parameters of an operation. Null counts as absent.
type Params struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
	DocumentID    string         `json:"documentId"` // in the draft on persisted documents
	DocID         string         `json:"doc_id"`     // in Relay
}

// Raw returns the parameters for gqlgen. It fails if they name no document at all. A persisted document's id becomes an extension.
func (p *Params) Raw(header http.Header, start time.Time) (*graphql.RawParams, *gqlerror.Error) {
	if !p.setDocumentID() {
		return nil, apierr.New(apierr.BadUserInput, "The parameter query is missing.")
	}
	return &graphql.RawParams{
		Query: p.Query, OperationName: p.OperationName, Variables: p.Variables, Extensions: p.Extensions,
		Headers: header, ReadTime: graphql.TraceTiming{Start: start, End: graphql.Now()},
	}, nil
}

// setDocumentID moves the id of a persisted document into the extensions, and reports whether there is any document.
func (p *Params) setDocumentID() bool {
	if p.DocumentID == "" {
		p.DocumentID = p.DocID
	}
	if p.DocumentID != "" {
		if p.Extensions == nil {
			p.Extensions = map[string]any{}
		}
		p.Extensions[document.IDExtension] = p.DocumentID
	}
	return p.Query != "" || p.Extensions[document.IDExtension] != nil || p.Extensions["persistedQuery"] != nil
}

// ParseBody parses the body of a POST.
func ParseBody(text []byte) (*Params, *gqlerror.Error) {
	p := &Params{}
	return p, Decode(text, p, "body")
}

// ParseURL parses the query part of a URL.
func ParseURL(text []byte) (*Params, *gqlerror.Error) {
	values, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, apierr.New(apierr.BadUserInput, "The URL's query is not well formed.")
	}
	p := &Params{
		Query: values.Get("query"), OperationName: values.Get("operationName"),
		DocumentID: values.Get("documentId"), DocID: values.Get("doc_id"),
	}
	if err := decodeValue(values, "variables", &p.Variables); err != nil {
		return nil, err
	}
	return p, decodeValue(values, "extensions", &p.Extensions)
}

// decodeValue decodes the JSON of one URL parameter. One that is missing or empty does not change target.
func decodeValue(values url.Values, name string, target any) *gqlerror.Error {
	if values.Get(name) == "" {
		return nil
	}
	return Decode([]byte(values.Get(name)), target, name)
}

// Decode decodes one JSON object. Numbers become json.Number. The error describes the fault and does not repeat the text.
func Decode(text []byte, target any, name string) *gqlerror.Error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err := d.Decode(target)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field != "" {
			name = wrong.Field
		}
		return apierr.New(apierr.BadUserInput, "The parameter %s has the wrong type of JSON value.", name)
	}
	if err != nil || d.Decode(new(json.RawMessage)) != io.EOF {
		return apierr.New(apierr.BadUserInput, "The %s is not one well-formed JSON object.", name)
	}
	return nil
}
