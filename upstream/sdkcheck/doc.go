// Package sdkcheck holds what we think of the upstream against what its makers publish: their SDK must understand the emulator and
// be let in by it, and sign as we do. It is a module of its own because the SDK brings 62 others. make sdkcheck runs it.
package sdkcheck
