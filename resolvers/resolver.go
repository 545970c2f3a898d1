// Package resolvers answers GraphQL fields.
package resolvers

// Resolver is the root of all resolvers.
type Resolver struct{}
