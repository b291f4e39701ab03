# Entry point for all tasks in this repository. Run `make help` to list the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.tools/node_modules/.bin:$(PATH)
# Prisma's generator needs no engine; without this its CLI would try to download one.
export PRISMA_SCHEMA_ENGINE_BINARY ?= /bin/true

JEST := NODE_OPTIONS="--experimental-vm-modules --disable-warning=ExperimentalWarning" jest
# Suites that failed are run once more, alone.
JEST_ONCE_MORE := NODE_OPTIONS="--experimental-vm-modules --disable-warning=ExperimentalWarning" node scripts/test/once-more.mjs

##@ Run

.PHONY: up
up: build ## Run the whole deployment on this machine with a demo workspace
	node scripts/up/up.mjs

.PHONY: down
down: ## Stop the deployment that `make up` started
	node scripts/up/down.mjs

.PHONY: clean
clean: down ## Stop the deployment and delete its data and all build output
	node scripts/up/clean.mjs
	rm -rf dist bench-results .types
	find . -name .types -not -path "*/node_modules/*" -type d -prune -exec rm -rf {} +
	find . -name "*.tsbuildinfo" -not -path "*/node_modules/*" -delete

##@ Develop

.PHONY: install
install: node_modules/.installed ## Install build dependencies, including Node 24
node_modules/.installed: package.json pnpm-lock.yaml pnpm-workspace.yaml $(wildcard patches/*.patch) $(wildcard packages/*/package.json services/*/package.json e2e/package.json)
	bash scripts/setup/packages.sh run
	bash scripts/setup/pnpm.sh install --frozen-lockfile
	touch $@

# Generated code is not committed. It is generated if it is missing or older than its sources, in about 4 s.
CONTRACTS := packages/proto-gen/src/gen/.generated
PLUGIN_PROTOCOL := packages/terraform-provider/src/gen/.generated
DATABASE := services/coderd/src/database/gen/.generated

$(CONTRACTS): node_modules/.installed buf.gen.yaml $(shell find proto/coder -name '*.proto')
	buf generate
	touch $@
$(PLUGIN_PROTOCOL): node_modules/.installed packages/terraform-provider/buf.gen.yaml $(wildcard proto/hashicorp/*.proto)
	bash scripts/setup/pnpm.sh --silent --filter @fleet/terraform-provider gen
	touch $@
$(DATABASE): node_modules/.installed services/coderd/prisma.config.ts $(wildcard services/coderd/prisma/schema/*.prisma)
	(cd services/coderd && node_modules/.bin/prisma generate >/dev/null)
	touch $@

docs/settings.md: node_modules/.installed $(wildcard scripts/docs/* services/*/src/config*.ts packages/base/src/settings/*.ts packages/telemetry/src/service.ts) services/cli/src/server/config.ts
	node scripts/docs/settings.mjs

GENERATED := $(CONTRACTS) $(PLUGIN_PROTOCOL) $(DATABASE)

.PHONY: gen
gen: install $(GENERATED) docs/settings.md ## Generate code and docs/settings.md if their sources changed

.PHONY: build
build: install $(GENERATED) ## Build all services, the dashboard and the single executable into dist/
	node scripts/build/build.mjs
	node scripts/build/executable.mjs
	node dist/coder.js man >dist/coder.1
	cd services/dashboard && node_modules/.bin/vite build --logLevel warn

.PHONY: executables
executables: build ## Build the agent and CLI for Linux, macOS and Windows, with Node from npm
	node scripts/build/executable.mjs --all

.PHONY: dev
dev: build ## Run the deployment; restart services and reload the dashboard on changes
	node scripts/up/dev.mjs

.PHONY: fmt
fmt: gen ## Format the code and apply automatic fixes
	biome check --write . >/dev/null || biome check .
	buf format -w --path proto/coder

.PHONY: lint
lint: gen ## Check formatting, lint rules, types, contracts, layers, dead code and charts
	biome check --error-on-warnings .
	tsc -b
	buf lint
	buf format --diff --exit-code --path proto/coder
	bash scripts/lint/breaking.sh
	depcruise --config .dependency-cruiser.cjs packages services e2e
	node scripts/lint/circles.mjs
	node scripts/docs/settings.mjs --check
	knip
	node scripts/lint/charts.mjs

##@ Test

.PHONY: test
test: lint build ## Run lint, unit tests, integration tests and end-to-end tests
	bash scripts/setup/packages.sh test
	$(JEST_ONCE_MORE)
	$(MAKE) e2e

.PHONY: unit
unit: gen ## Run unit and integration tests; `make unit T=services/coderd` for a subset
	$(JEST) $(T)

.PHONY: e2e
e2e: build ## Run the end-to-end tests with real processes
	bash scripts/setup/packages.sh test
	$(JEST_ONCE_MORE) --config e2e/jest.config.js --runInBand

.PHONY: test-engine
test-engine: build ## Run the tests of templates and kills on the terraform or tofu in ENGINE=path
	CODER_TEST_ENGINE=$(ENGINE) $(JEST_ONCE_MORE) services/provisionerd/src/terraform services/provisionerd/src/main.test.ts services/provisionerd/src/hostile.test.ts packages/terraform-provider/src/host.test.ts packages/terraform-provider/src/launched.test.ts scripts/lint/templates.test.ts
	CODER_TEST_ENGINE=$(ENGINE) $(JEST_ONCE_MORE) --config e2e/jest.config.js --runInBand e2e/kill -t provisionerd

.PHONY: e2e-front
e2e-front: build ## Run the end-to-end tests behind nginx and HAProxy, as in docs/behind-a-proxy.md
	bash scripts/setup/packages.sh front
	E2E_FRONT=1 $(JEST) --config e2e/jest.config.js --runInBand e2e/front

# Installed from PyPI into its own virtual environment.
SSH_CLIENTS := dist/ssh-clients/.installed
.PHONY: e2e-ssh
e2e-ssh: build $(SSH_CLIENTS) ## Connect with real SSH clients that have nothing of ours installed
	E2E_SSH=1 $(JEST) --config e2e/jest.config.js --runInBand e2e/ssh

$(SSH_CLIENTS): e2e/ssh/requirements.txt
	bash scripts/setup/packages.sh ssh
	rm -rf dist/ssh-clients
	python3 -m venv dist/ssh-clients
	dist/ssh-clients/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

SCIM_TESTER := dist/scim-tester/.installed
.PHONY: e2e-identity
e2e-identity: build $(SCIM_TESTER) ## Sign in, sync and send with real providers, clients and servers
	bash scripts/setup/packages.sh identity
	E2E_IDENTITY=1 $(JEST) --config e2e/jest.config.js --runInBand e2e/identity

$(SCIM_TESTER): e2e/identity/scim/requirements.txt
	bash scripts/setup/packages.sh identity
	rm -rf dist/scim-tester
	python3 -m venv dist/scim-tester
	dist/scim-tester/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.PHONY: e2e-devcontainers
e2e-devcontainers: build ## Work in dev containers with a real Docker engine
	bash scripts/setup/packages.sh devcontainers
	E2E_DEVCONTAINERS=1 $(JEST) --config e2e/jest.config.js --runInBand e2e/devcontainers

# Installed from PyPI into its own virtual environment.
FUZZER := dist/fuzz-api/bin/schemathesis
.PHONY: fuzz-api
fuzz-api: build $(FUZZER) ## Fuzz the API for MINUTES=5: no 5xx, no hangs, no undeclared responses
	SCHEMATHESIS=$(FUZZER) node scripts/bench/run.mjs fuzz-api

$(FUZZER): scripts/bench/fuzz-api/requirements.txt
	bash scripts/setup/packages.sh fuzz
	rm -rf dist/fuzz-api
	python3 -m venv dist/fuzz-api
	dist/fuzz-api/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.PHONY: images
images: ## Build the container images of the three services with Docker or Buildah
	bash scripts/images/build.sh

.PHONY: e2e-cluster
e2e-cluster: build ## Run the end-to-end test on the Kubernetes cluster in KUBECONFIG
	bash e2e/cluster/run.sh

.PHONY: e2e-rolling
e2e-rolling: build ## Upgrade, scale and roll each tier under load on that cluster, without failed requests
	bash e2e/cluster/run.sh rolling

.PHONY: e2e-kill
e2e-kill: build ## Kill random pods of every tier under load on that cluster for MINUTES=10
	bash e2e/cluster/run.sh kill

##@ Benchmark

BENCHES := build start cli dashboard parameters queue schedule tunnel proxy resume scale
.PHONY: $(addprefix bench-,$(BENCHES))
$(addprefix bench-,$(BENCHES)): bench-%: build ## (build, start, cli, dashboard, parameters, queue, schedule, tunnel, proxy, resume, scale) Run a benchmark against a baseline
	node scripts/bench/run.mjs $*

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-zA-Z0-9$$(),_ -]+:.*##/ {printf "  make %-14s %s\n", ($$1 ~ /BENCHES/ ? "bench-NAME" : $$1), $$2}' $(MAKEFILE_LIST)
