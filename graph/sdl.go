// Package graph has the schema and the code that gqlgen generates from it.
package graph

import _ "embed"

//go:embed schema.graphqls
var schemaSDL string

// deferSDL declares @defer. The executable schema has the directive built in, but compilers of client
// documents, Relay's for example, know only the directives that a schema declares.
const deferSDL = `
"Delivers the fields of a fragment in a later part of the response, to clients that accept multipart/mixed."
directive @defer(
  "Whether the fragment is deferred."
  if: Boolean! = true
  "Identifies the fragment in the parts of the response."
  label: String
) on FRAGMENT_SPREAD | INLINE_FRAGMENT
`

// SDL is the schema in the schema definition language, as served at /schema.graphql.
var SDL = schemaSDL + deferSDL
