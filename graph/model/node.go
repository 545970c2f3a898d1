// Package model holds the Go types of GraphQL types that have no counterpart in package upstream. gqlgen generates models_gen.go; the
// other files are written by hand, and gqlgen.yml binds their types to the schema.
package model

// Node is an object with a global id: a value or a pointer of a Go type of a GraphQL type that implements Node in the schema. It has no
// methods, because types of package upstream do not depend on GraphQL.
type Node any
