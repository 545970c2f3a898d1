package gqlhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/document"
)

// parameters are those of GraphQL over HTTP. Null counts as absent.
type parameters struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
	DocumentID    string         `json:"documentId"` // as the draft on persisted documents has it
	DocID         string         `json:"doc_id"`     // as Relay has it
}

// named moves the ids of a persisted document to where the engine looks for them, and reports whether the request has any
// document at all.
func (p *parameters) named() bool {
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

// readText reads into b what the parameters are in: the body of a POST, the query part of another method's URL.
func readText(b *bytes.Buffer, w http.ResponseWriter, r *http.Request, most int64) *refusal {
	if r.Method == http.MethodPost {
		return readBody(b, w, r, most)
	}
	if contentType := r.Header.Get("Content-Type"); contentType != "" && !isJSON(contentType) {
		return notJSON()
	}
	if n := int64(len(r.URL.RawQuery)); n > most {
		return refusef(http.StatusRequestURITooLong, apierr.TooComplex, "The URL's query has %d bytes; at most %d are allowed.", n, most)
	}
	b.WriteString(r.URL.RawQuery)
	return nil
}

// readParams reads the parameters from their text. What was sent is never echoed.
func readParams(r *http.Request, text []byte) (*graphql.RawParams, *refusal) {
	parse := parseURL
	if r.Method == http.MethodPost {
		parse = parseBody
	}
	start := graphql.Now()
	p, refused := parse(text)
	if refused != nil {
		return nil, refused
	}
	if !p.named() {
		return nil, refusef(http.StatusBadRequest, apierr.BadUserInput, "The parameter query is missing.")
	}
	return &graphql.RawParams{
		Query:         p.Query,
		OperationName: p.OperationName,
		Variables:     p.Variables,
		Extensions:    p.Extensions,
		Headers:       r.Header,
		ReadTime:      graphql.TraceTiming{Start: start, End: graphql.Now()},
	}, nil
}

// isJSON reports whether a Content-Type is JSON in UTF-8. Anything else is refused, above all the types that a browser sends
// to other sites without asking them first.
func isJSON(contentType string) bool {
	if contentType == mediaJSON {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != mediaJSON {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

func notJSON() *refusal {
	return refusef(http.StatusUnsupportedMediaType, apierr.BadUserInput, "The Content-Type must be application/json in UTF-8.")
}

func readBody(body *bytes.Buffer, w http.ResponseWriter, r *http.Request, maxBody int64) *refusal {
	if !isJSON(r.Header.Get("Content-Type")) {
		return notJSON()
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		w.Header().Set("Accept-Encoding", "identity") // as RFC 9110 wants it
		return refusef(http.StatusUnsupportedMediaType, apierr.BadUserInput, "Request bodies with a Content-Encoding are not supported; send the body without.")
	}
	if r.ContentLength > maxBody {
		return refusef(http.StatusRequestEntityTooLarge, apierr.TooComplex, "The body has %d bytes; at most %d are allowed.", r.ContentLength, maxBody)
	}
	body.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refusef(http.StatusRequestEntityTooLarge, apierr.TooComplex, "The body has more than %d bytes; at most %[1]d are allowed.", maxBody)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refusef(http.StatusRequestTimeout, apierr.RequestTimeout, "The body did not arrive in time.")
	}
	if err != nil {
		return refusef(http.StatusBadRequest, apierr.BadUserInput, "The body could not be read to its end.")
	}
	return nil
}

func parseBody(text []byte) (*parameters, *refusal) {
	p := &parameters{}
	return p, decode(text, p, "body")
}

func parseURL(text []byte) (*parameters, *refusal) {
	values, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, refusef(http.StatusBadRequest, apierr.BadUserInput, "The URL's query is not well formed.")
	}
	p := &parameters{
		Query: values.Get("query"), OperationName: values.Get("operationName"),
		DocumentID: values.Get("documentId"), DocID: values.Get("doc_id"),
	}
	if refused := decodeValue(values, "variables", &p.Variables); refused != nil {
		return nil, refused
	}
	return p, decodeValue(values, "extensions", &p.Extensions)
}

// decodeValue reads the JSON of one URL parameter; absent and empty leave target alone.
func decodeValue(values url.Values, name string, target any) *refusal {
	if values.Get(name) == "" {
		return nil
	}
	return decode([]byte(values.Get(name)), target, name)
}

// decode reads one JSON object. Numbers stay as they were written. The message names what was wrong, never what was sent.
func decode(text []byte, target any, name string) *refusal {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err := d.Decode(target)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field != "" {
			name = wrong.Field
		}
		return refusef(http.StatusBadRequest, apierr.BadUserInput, "The parameter %s has the wrong type of JSON value.", name)
	}
	if err != nil || d.Decode(new(json.RawMessage)) != io.EOF {
		return refusef(http.StatusBadRequest, apierr.BadUserInput, "The %s is not one well-formed JSON object.", name)
	}
	return nil
}
