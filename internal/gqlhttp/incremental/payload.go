package incremental

import (
	"encoding/json"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Dialect is a form of the incremental delivery protocol.
type Dialect int

// The dialects.
const (
	Dialect20220824 Dialect = iota + 1 // Apollo Client 3, urql and Relay: parts name the path of their object
	DialectV02                         // Apollo Client 4 and graphql-js 17: parts name a fragment that was announced as pending
)

// MediaTypeParameter returns the parameter of multipart/mixed by which a client requests the dialect and a response states it.
func (d Dialect) MediaTypeParameter() string {
	if d == DialectV02 {
		return "incrementalSpec=v0.2"
	}
	return "deferSpec=20220824"
}

// payload is the JSON of one part. Only the first has Data.
type payload struct {
	Data        json.RawMessage    `json:"data,omitempty"`
	Errors      gqlerror.List      `json:"errors,omitempty"`
	Extensions  map[string]any     `json:"extensions,omitempty"`
	Pending     []pendingEntry     `json:"pending,omitempty"`
	Incremental []incrementalEntry `json:"incremental,omitempty"`
	Completed   []completedEntry   `json:"completed,omitempty"`
	HasNext     bool               `json:"hasNext"`
}

// pendingEntry announces a fragment in DialectV02.
type pendingEntry struct {
	ID    string `json:"id"`
	Path  []any  `json:"path"`
	Label string `json:"label,omitempty"`
}

// incrementalEntry is the data of a fragment in either dialect.
type incrementalEntry struct {
	ID         string          `json:"id,omitempty"`
	Data       json.RawMessage `json:"data"`
	Path       *[]any          `json:"path,omitempty"`
	Label      string          `json:"label,omitempty"`
	Errors     gqlerror.List   `json:"errors,omitempty"`
	Extensions map[string]any  `json:"extensions,omitempty"`
}

// completedEntry ends a fragment in DialectV02.
type completedEntry struct {
	ID     string        `json:"id"`
	Errors gqlerror.List `json:"errors,omitempty"`
}

// announce adds fragments to the pending ones. Dialect20220824 does not announce.
func (p *payload) announce(dialect Dialect, found []*fragment) {
	if dialect != DialectV02 {
		return
	}
	for _, f := range found {
		p.Pending = append(p.Pending, pendingEntry{f.id, pathJSON(f.path), f.label})
	}
}

// complete adds the result of a fragment. data is null if an error removed all of it.
func (p *payload) complete(dialect Dialect, f *fragment, data []byte, errs gqlerror.List, extensions map[string]any) {
	if dialect != DialectV02 {
		path := pathJSON(f.path)
		p.Incremental = append(p.Incremental, incrementalEntry{Data: data, Path: &path, Label: f.label, Errors: errs, Extensions: extensions})
		return
	}
	if string(data) == "null" {
		p.Completed = append(p.Completed, completedEntry{f.id, errs})
		return
	}
	p.Incremental = append(p.Incremental, incrementalEntry{ID: f.id, Data: data, Errors: errs, Extensions: extensions})
	p.Completed = append(p.Completed, completedEntry{ID: f.id})
}

// pathJSON returns a path as JSON has it; that of the root is an empty list.
func pathJSON(path ast.Path) []any {
	list := make([]any, len(path))
	for i, element := range path {
		list[i] = element
	}
	return list
}
