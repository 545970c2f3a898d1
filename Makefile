.DEFAULT_GOAL := help
.PHONY: release chart mixed oldcommit soak help generate lint test race bench bench-compare bench-fleet bench-guards check generated build redis audit clients node fuzz sdkcheck

OLD ?= 28935fb
PROCESSORS := $(shell getconf _NPROCESSORS_ONLN)
GOLANGCI := go tool -modfile=tools/go.mod golangci-lint

observe: redis ## judges random histories against every state that their logs had (HISTORIES, SUBSCRIPTIONS, REPLICAS, SEED)
	SCALEGRAPH_REQUIRE_REDIS=1 go test -count 1 -timeout 0 ./internal/observer -histories $(or $(HISTORIES),5000) \
		-subscriptions $(or $(SUBSCRIPTIONS),500) -replicas $(or $(REPLICAS),50) -seed $(or $(SEED),1)

help: ## lists these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

generate: ## makes graph/ and the genqlient client anew from the schema
	go tool gqlgen generate
	go -C clients/genqlient generate

lint: ## reads all code with golangci-lint (built from tools/go.mod, the first time takes a minute)
	$(GOLANGCI) run ./...

# The race detector makes tests four times slower, so of the random cases it sees a fifth or less, and no load test or long search. More
# packages and parallel tests than processors run at once, as tests wait a quarter of their time. Without GOGC, small heaps would be collected
# many times a second; without GORACE, every process with the race detector would sleep for a second before it exits. The second step has
# nothing left to vet.
test: export GOGC = 400
test: export GORACE = atexit_sleep_ms=0
test: export SCALEGRAPH_REQUIRE_REDIS = 1
test: redis ## runs all tests: with the race detector, then what -short left out, without it; installs redis-server where it is missing
	go test -race -short -p $$(($(PROCESSORS) * 3 / 2)) -parallel $$((2 * $(PROCESSORS))) -timeout 20m ./...
	tools/longtests -vet=off -timeout 20m

race: test ## the same

mixed: redis ## replaces replicas of an older version by this one and back, with one Redis and under load (OLD=commit)
	SCALEGRAPH_REQUIRE_REDIS=1 go test ./internal/e2e -count 1 -timeout 10m -v -run TestMixedVersions -old $(OLD)

oldcommit: ## prints the commit of the older version
	@echo $(OLD)

soak: redis ## loads replicas for ten minutes while upstream and Redis fail in every way, and beside hostile callers (SOAK=30s for less)
	SCALEGRAPH_REQUIRE_REDIS=1 go test ./internal/e2e -count 1 -timeout 0 -v -run TestSoak -soak $(or $(SOAK),5m)

bench: ## runs all benchmarks
	go test -run '^$$' -bench . -benchmem ./...

bench-compare: build ## compares the product with other programs under load, in about twelve minutes; installs wrk, nginx and Tailcall
	internal/bench/install
	go run ./internal/bench

bench-fleet: build ## simulates 1 000 consoles over growing logs, in about five minutes; installs Tailcall
	internal/bench/install
	go run ./internal/bench fleet

bench-guards: build ## measures what one caller can do to the others and to memory (BEFORE=path of another build)
	go run ./internal/bench guards -before "$(BEFORE)"

build: ## builds one static binary
	CGO_ENABLED=0 go build -trimpath -o scalegraph .

release: ## builds binaries, packages, an SBOM and checksums into dist/, twice, and compares: make release VERSION=v0.1.0
	tools/release/run $(VERSION)

check: generated lint test ## generated code is current, lint, test

generated: generate
	@git diff -- graph resolvers clients/genqlient
	@test -z "$$(git status --porcelain -- graph resolvers clients/genqlient)" || { echo "generated code is not what is committed"; exit 1; }

audit: node ## checks HTTP and the schema from outside, with tools of Node.js
	tools/audit/run

clients: node ## runs real GraphQL clients against the program: subscriptions on every transport, @defer, and long walks
	clients/run
	clients/walks/run

sdkcheck: ## holds the emulator and our signatures against the official SDK (a module of its own; the first time loads 48 MB)
	go -C upstream/sdkcheck test ./...

# Go caches results of tests regardless of files outside of their module, so these run anew each time.
chart: ## lints and renders the Helm chart, decodes it against the Kubernetes API types, and validates the Compose file (a module of its own)
	go -C tools/chartcheck test -count 1 ./...

fuzz: ## fuzzes the transport, its limits and cursors, a minute each
	go test -run '^$$' -fuzz FuzzTransport -fuzztime 60s -fuzzminimizetime 5s ./internal/gqlhttp
	go test -run '^$$' -fuzz FuzzDocument -fuzztime 60s -fuzzminimizetime 5s ./internal/gqlhttp
	go test -run '^$$' -fuzz FuzzCursor -fuzztime 60s -fuzzminimizetime 5s ./internal/e2e

.PHONY: pages pagescheck browser pictures chromium modules
pages: modules ## builds what browsers load (web/dist) anew from web/
	npm --prefix web run build

pagescheck: modules ## compares web/dist with what its sources make
	npm --prefix web run check

browser: build modules chromium ## opens the pages in Chromium, with nothing else to reach
	npm --prefix web test

pictures: ## runs the browser tests and keeps what they see in docs/
	PICTURES=$(CURDIR)/docs $(MAKE) browser

modules: node
	npm --prefix web ci --silent --no-audit --no-fund

chromium:
	@command -v chromium >/dev/null || .ci/install-chromium

node:
	@command -v npm >/dev/null && [ "$$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || .ci/install-node

# Tests start redis-server processes of their own; any 6.2 or newer will do.
redis:
	@command -v redis-server >/dev/null || ./.ci/install-redis
