# The interface of this repository. `make help` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.tools/node_modules/.bin:$(PATH)
# Prisma's generator needs no engine; without this its CLI would try to download one.
export PRISMA_SCHEMA_ENGINE_BINARY ?= /bin/true

JEST := NODE_OPTIONS="--experimental-vm-modules --disable-warning=ExperimentalWarning" jest

##@ Use it

.PHONY: up
up: build ## Run the whole fleet on this machine, with a working demo workspace
	node scripts/up/up.mjs

.PHONY: down
down: ## Stop what `make up` started
	node scripts/up/down.mjs

.PHONY: clean
clean: down ## Stop the fleet, and delete its data and everything that was built
	node scripts/up/clean.mjs
	rm -rf dist bench-results .types
	find . -name .types -not -path "*/node_modules/*" -type d -prune -exec rm -rf {} +
	find . -name "*.tsbuildinfo" -not -path "*/node_modules/*" -delete

##@ Work on it

.PHONY: install
install: node_modules/.installed ## Install what the build needs, Node 24 included
node_modules/.installed: package.json pnpm-lock.yaml pnpm-workspace.yaml $(wildcard patches/*.patch) $(wildcard packages/*/package.json services/*/package.json e2e/package.json)
	bash scripts/setup/packages.sh run
	bash scripts/setup/pnpm.sh install --frozen-lockfile
	touch $@

# Generated code is not committed. It is made where it is missing or older than its sources, in about 4 s.
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

docs/settings.md: node_modules/.installed $(wildcard scripts/docs/* services/*/src/config.ts packages/base/src/settings/*.ts packages/telemetry/src/service.ts) services/cli/src/server/config.ts
	node scripts/docs/settings.mjs

GENERATED := $(CONTRACTS) $(PLUGIN_PROTOCOL) $(DATABASE)

.PHONY: gen
gen: install $(GENERATED) docs/settings.md ## Generate code and docs/settings.md, where their sources changed

.PHONY: build
build: install $(GENERATED) ## Bundle every service, the dashboard and the single executable into dist/
	node scripts/build/build.mjs
	node scripts/build/executable.mjs
	cd services/dashboard && node_modules/.bin/vite build --logLevel warn

.PHONY: executables
executables: build ## Build agent and command line for Linux, macOS and Windows, with Node from npm
	node scripts/build/executable.mjs --all

.PHONY: dev
dev: build ## Run the fleet; services restart and the dashboard reloads on change
	node scripts/up/dev.mjs

.PHONY: fmt
fmt: gen ## Format and fix what can be fixed
	biome check --write . >/dev/null || biome check .
	buf format -w --path proto/coder

.PHONY: lint
lint: gen ## Formatter, linter, types, contracts, layers, dead code and charts
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

##@ Test it

.PHONY: test
test: lint build ## Everything: lint, unit tests, the in-process harness and the end-to-end test
	bash scripts/setup/packages.sh test
	$(JEST)
	$(MAKE) e2e

.PHONY: unit
unit: gen ## Unit tests and the in-process harness; `make unit T=services/coderd` for a part
	$(JEST) $(T)

.PHONY: e2e
e2e: build ## Drive the real processes from template to deleted workspace
	bash scripts/setup/packages.sh test
	$(JEST) --config e2e/jest.config.js --runInBand

.PHONY: e2e-front
e2e-front: build ## The same behind nginx and HAProxy, as docs/behind-a-proxy.md configures them
	bash scripts/setup/packages.sh front
	E2E_FRONT=1 $(JEST) --config e2e/jest.config.js --runInBand e2e/front

# From Python's package registry, with what it needs in a folder of its own.
FUZZER := dist/fuzz-api/bin/schemathesis
.PHONY: fuzz-api
fuzz-api: build $(FUZZER) ## Send a fleet what its API should refuse, MINUTES=5 long: no 5xx, no hang, no undeclared answer
	SCHEMATHESIS=$(FUZZER) node scripts/bench/run.mjs fuzz-api

$(FUZZER): scripts/bench/fuzz-api/requirements.txt
	bash scripts/setup/packages.sh fuzz
	rm -rf dist/fuzz-api
	python3 -m venv dist/fuzz-api
	dist/fuzz-api/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.PHONY: images
images: ## Build the container images of the three services, with docker or buildah
	bash scripts/images/build.sh

.PHONY: e2e-cluster
e2e-cluster: build ## The same on a real Kubernetes: images, helm install, a workspace in a pod (KUBECONFIG)
	bash e2e/cluster/run.sh

.PHONY: e2e-rolling
e2e-rolling: build ## Upgrade, scale and roll each tier under load on that Kubernetes: nobody may notice
	bash e2e/cluster/run.sh rolling

.PHONY: e2e-kill
e2e-kill: build ## Kill pods of every tier at random under load on that Kubernetes, MINUTES=10 long
	bash e2e/cluster/run.sh kill

##@ Measure it

BENCHES := build queue tunnel proxy resume scale
.PHONY: $(addprefix bench-,$(BENCHES))
$(addprefix bench-,$(BENCHES)): bench-%: build ## (build, queue, tunnel, proxy, resume, scale) Measure against a baseline in the same run
	node scripts/bench/run.mjs $*

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-zA-Z0-9$$(),_ -]+:.*##/ {printf "  make %-14s %s\n", ($$1 ~ /BENCHES/ ? "bench-NAME" : $$1), $$2}' $(MAKEFILE_LIST)
