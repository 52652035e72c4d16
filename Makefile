# Everything here runs on Linux as root with Go and apt; what else is needed is
# installed or built by the targets themselves.

SHELL := /bin/bash
GO ?= go
ARCHIVE := dist/microscanner-frontend.oci.tar
PACKAGES := ./...

.PHONY: help demo test unit e2e lint fmt bench fuzz conformance image tools deps clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: deps tools ## show a vulnerable image refused and a clean one shipped
	@$(GO) run ./hack/demo

test: deps tools ## all tests, also end to end on a private BuildKit
	MICROSCANNER_E2E=1 $(GO) test -count=1 -timeout 30m $(PACKAGES)
	$(GO) test -C hack/examples -count=1 ./...

unit: ## the tests that need neither root nor BuildKit
	$(GO) test $(PACKAGES)
	$(GO) test -C hack/examples ./...

lint: ## golangci-lint, gofmt and go vet included
	@hack/tools/build lint
	bin/golangci-lint run $(PACKAGES)
	cd hack/examples && ../../bin/golangci-lint run --config ../../.golangci.yml ./...

fmt: ## format the code
	@hack/tools/build lint
	bin/golangci-lint fmt $(PACKAGES)

bench: deps tools ## benchmarks, in the format that benchstat reads
	@hack/tools/build lint
	$(GO) test -run '^$$' -bench . -benchmem ./scanner/... ./llbgen/...
	$(GO) run ./hack/bench

fuzz: ## each fuzz target for FUZZTIME (5m), JOBS (2) at a time
	@hack/fuzz

image: deps tools ## write the frontend image, amd64 and arm64, to dist/
	$(GO) run ./hack/image --output $(ARCHIVE)

conformance: image ## BuildKit's own Dockerfile tests on the frontend image
	@if [ -x ../shared/tools/upstream-suite ]; then \
		../shared/tools/upstream-suite $(ARCHIVE); \
	else \
		echo "make conformance needs ../shared/tools/upstream-suite, which is not here"; \
		exit 1; \
	fi

tools: ## buildkitd, buildctl, buildx, crane in bin/ (once)
	@hack/tools/build

deps: ## what apt has to install
	@hack/deps

clean: ## remove what was built
	rm -rf bin dist
