// No Go code is here. A module of its own keeps `go test ./...` out of node_modules.
module scalegraph/edge/audit

go 1.26.0
