// Package sdkcheck holds what we think of the upstream against what its makers publish: their SDK must understand the emulator and
// be let in by it, and sign as we do. It is a module of its own because the SDK brings 62 others. make sdkcheck runs it.
//
// Where a dependency of the product has moved, go mod tidy in this folder follows. Its go.mod names google.golang.org/genproto/googleapis/rpc
// although nothing here needs it: the SDK's old modules lead to a release of genproto that still held the same packages, and without the
// line tidy finds them twice.
package sdkcheck
