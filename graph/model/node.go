// Package model holds the GraphQL types that are bound to no noun of upstream. This file is written by hand.
package model

// Node is an object with a global id: an upstream.Group or an upstream.Activity. It has no methods, because those types
// know nothing of GraphQL.
type Node any
