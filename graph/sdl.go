package graph

import _ "embed"

// SDL is the schema in the schema definition language, as clients can read it at /schema.graphql.
//
//go:embed schema.graphqls
var SDL string
