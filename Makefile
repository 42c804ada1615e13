# mlhost. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
PYTHON  ?= python3
TOOLS   := $(CURDIR)/.tools
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

# Programs under plugins/ ship with mlhost; those under examples/ are built
# beside them, so that the example configurations find them.
PLUGINS := $(patsubst %/main.go,%,$(wildcard plugins/*/main.go examples/*/main.go))

TOOL_BUF    := github.com/bufbuild/buf/cmd/buf@v1.75.0
TOOL_PB     := google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
TOOL_PBGRPC := google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
TOOL_LINT   := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# The dashboard is built when a source of it is newer than what was built.
DASHBOARD := host/web/dist/index.html
DASHBOARD_SOURCES := $(shell find host/web/src -type f -not -name '*.test.*' 2>/dev/null) \
	$(wildcard host/web/package-lock.json host/web/vite.config.ts host/web/tsconfig.json host/web/index.html)

.PHONY: help build demo docs test test-e2e pictures test-ml compat race lint bench chaos proto clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(DASHBOARD) ## build the dashboard, bin/mlhost and bin/plugins/*
	@mkdir -p bin/plugins
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/mlhost ./cmd/mlhost
	$(if $(PLUGINS),$(GO) build -trimpath -ldflags '-s -w' -o bin/plugins/ $(addprefix ./,$(PLUGINS)))

$(DASHBOARD): $(DASHBOARD_SOURCES)
	@.ci/dashboard build

demo: build ## train on Fisher's iris for a few seconds and look at what was kept
	@examples/demo/run.sh

docs: ## write docs/reference anew from the code
	UPDATE=1 $(GO) test -count=1 -run '^TestReference$$' ./cmd/mlhost ./host/config ./host/api ./host/connector

test: ## vet and test everything; needs Go and Python 3, and Node for the dashboard
	$(GO) vet ./...
	@$(PYTHON) .ci/gotest.py -timeout=15m ./...
	@$(PYTHON) .ci/pytest.py
	@.ci/dashboard test

test-e2e: build ## the dashboard in a real browser, against a real host with real scripts (E2E='control' chooses files)
	@.ci/browser
	@$(PYTHON) .ci/e2etest.py $(E2E)

pictures: build ## take the pictures of docs/pictures anew
	@.ci/browser
	@cd host/web && node e2e/pictures.mjs $(PICTURES)
	@command -v pngquant >/dev/null && pngquant --force --ext .png --skip-if-larger --strip docs/pictures/*.png || true

race: ## the Go tests under the race detector
	@$(PYTHON) .ci/gotest.py -race -timeout=40m ./...

test-ml: ## the tests that need real machine-learning libraries (own environment: .venv-ml, or the one of MLHOST_ML_PYTHON)
	@[ -n "$(MLHOST_ML_PYTHON)" ] || .ci/ml-venv
	@python='$(or $(MLHOST_ML_PYTHON),$(CURDIR)/.venv-ml/bin/python)'; if [ -x "$$python" ]; then \
	  $(PYTHON) .ci/mltest.py "$$python" '$(CURDIR)/.cache/torch1/python'; \
	  MLHOST_ML_PYTHON="$$python" $(PYTHON) .ci/gotest.py -run '^TestML' ./examples/... ./cmd/...; \
	else echo "test-ml: nothing was run: there is no environment to run it in"; fi

compat: build ## run scripts of other people's repositories, checked out below REPOS, with the environment VENV: docs/compatibility.md
	@[ -n "$(REPOS)" ] || { echo "usage: make compat REPOS=DIR [VENV=DIR] [COMPATFLAGS='--only mnist']"; exit 2; }
	$(PYTHON) wrappers/python/compat --repos '$(REPOS)' --venv '$(or $(VENV),$(CURDIR)/.venv-ml)' $(COMPATFLAGS)

lint: $(TOOLS)/golangci-lint $(TOOLS)/buf ## golangci-lint, gofmt and buf
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); \
	  if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	$(TOOLS)/golangci-lint run --allow-parallel-runners ./...
	$(TOOLS)/buf lint
	GOOS=darwin GOARCH=arm64 $(GO) build ./... # macOS must build

bench: build ## measure the first rows of docs/bench.md beside the same work by hand
	$(GO) run ./bench $(BENCHFLAGS)

chaos: ## put the promises of reliability to the test, at full size, on Linux
	@mkdir -p bin
	$(GO) build -o bin/chaos ./chaos
	@exec bin/chaos $(CHAOSFLAGS)

proto: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc ## generate Go from the .proto files
	PATH="$(TOOLS):$$PATH" $(TOOLS)/buf generate

clean: ## remove what was built here
	rm -rf host/web/node_modules host/web/dist/static host/web/dist/index.html
	rm -rf bin .venv-ml .cache .demo bench/results.json chaos/results.json

$(TOOLS)/buf:
	GOBIN=$(TOOLS) $(GO) install $(TOOL_BUF)
$(TOOLS)/protoc-gen-go:
	GOBIN=$(TOOLS) $(GO) install $(TOOL_PB)
$(TOOLS)/protoc-gen-go-grpc:
	GOBIN=$(TOOLS) $(GO) install $(TOOL_PBGRPC)
$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) $(GO) install $(TOOL_LINT)
