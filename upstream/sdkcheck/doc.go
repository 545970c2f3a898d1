// Package sdkcheck tests the emulator and our signatures with the vendor's SDK: the SDK must be able to read all calls of the emulator and must
// create the same signatures. It is a module of its own because the SDK has 62 dependencies. make sdkcheck runs it.
//
// After a dependency of the product has changed, run go mod tidy in this folder. Its go.mod names google.golang.org/genproto/googleapis/rpc
// although nothing here needs it: the SDK's old modules lead to a release of genproto that still held the same packages, and without the
// line tidy finds them twice.
package sdkcheck
