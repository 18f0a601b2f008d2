# All tasks in a checkout of Sirius; `make` lists them.
# Each task works in a fresh checkout, because scripts/setup installs what is missing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# Even if Cargo's own output is elsewhere, the results are in target/ of the checkout
CARGO_TARGET := $(or $(CARGO_TARGET_DIR),target)
# What `make run` builds, and what all tests use; `make release` builds the program to install
SERVER := target/local/sirius
RELEASE := target/release/sirius
# With the OpenSSL of the system, there is no need to build another one
OPENSSL = $(shell pkg-config --atleast-version=3 openssl 2>/dev/null && echo OPENSSL_NO_VENDOR=1)
# Copies a program from Cargo's output, if it has changed: $(call ready,target/PROFILE/sirius)
ready = built='$(1:target/%=$(CARGO_TARGET)/%)'; \
	if ! cmp -s "$$built" $(1); then install -D "$$built" $(1); echo "$(1) is ready"; fi
# What `make deny` could not check; `make test` repeats it in its last lines
NOT_CHECKED := target/not-checked

# Includes folders, because removing a file changes its folder
CLIENT_SOURCES := Cargo.toml Cargo.lock $(wildcard build.rs .cargo/*) scripts/client scripts/cut-hydrate-async.mjs scripts/site.mjs \
	$(shell find src locales public 2>/dev/null) $(wildcard style/* browser/*)

.PHONY: help run test dev lint deny unit e2e fuzz storm bench bench-quick screenshots sbom release setup-build setup-release setup-test client server

help: ## List these tasks
	@echo "Sirius: stock and orders of a small shop"
	@echo
	@sed -n 's/^\([a-z0-9-]*\):.* ## \(.*\)/  make \1#\2/p' $(MAKEFILE_LIST) | column -t -s '#'

run: server ## Build what has changed quickly, and serve on 127.0.0.1:3000 (data in data/sirius.db)
	@exec $(SERVER)

release: setup-release ## Build the program to install: target/release/sirius
	@$(MAKE) --silent target/client/built-release
	@cargo build --locked --release --features ssr --bin sirius
	@$(call ready,$(RELEASE))

test: setup-test ## Check everything: format, lints, dependencies, tests on both databases, browser tests, API fuzzing
	@rm -f $(NOT_CHECKED); trap 'cat $(NOT_CHECKED) 2>/dev/null || true' EXIT; \
	for check in lint deny unit e2e fuzz; do $(MAKE) $$check; done

dev: setup-build ## Serve, and rebuild quickly whenever a source file changes
	@$(OPENSSL) exec scripts/dev

lint: setup-build ## Check the format, and lint the server and the client
	cargo fmt --check
	$(OPENSSL) cargo clippy --locked --features testing --all-targets -- --deny warnings
	scripts/clippy-client --deny warnings

deny: setup-test ## Check the dependencies: licences, sources, known vulnerabilities
	scripts/deny --report $(NOT_CHECKED)

unit: setup-test ## Run the server tests on SQLite and PostgreSQL
	$(OPENSSL) scripts/with-postgres cargo test --locked --features testing

e2e: setup-test server ## Run the browser tests; make e2e ARGS='-g login' runs only some
	@cd end2end && node_modules/.bin/tsc
	cd end2end && ../scripts/with-postgres node_modules/.bin/playwright test --project=sqlite --project=postgres $(ARGS)

fuzz: setup-test server ## Fuzz the API for a minute, based on its OpenAPI document
	scripts/fuzz-api $(SERVER)

storm: setup-test server ## Kill, stop and starve a server under load, and print which operations it kept
	@scripts/storm $(SERVER)

bench: setup-test release ## Measure speed with a million orders, on both databases
	@cargo build --locked --release --features ssr --bin sirius-bench
	@scripts/with-postgres --durable $(CARGO_TARGET)/release/sirius-bench run $(RELEASE) $(ARGS)

bench-quick: ## Measure speed with 50,000 orders, in five minutes
	@$(MAKE) bench ARGS=--quick

screenshots: setup-test server ## Take the screenshots in docs/
	cd end2end && ../scripts/with-postgres node_modules/.bin/playwright test --project=screenshots $(ARGS)

sbom: ## List the libraries inside the program as CycloneDX: target/sirius-*.cdx.json
	scripts/sbom

# ---- Steps of these tasks -----------------------------------------------------

setup-build setup-release setup-test: setup-%:
	@scripts/setup $*

client: setup-build
	@$(MAKE) --silent target/client/built-local

target/client/built-%: $(CLIENT_SOURCES)
	@scripts/client $*

# Always runs Cargo, which knows the sources of the server, and is quick if there is nothing to do
server: client
	@$(OPENSSL) cargo build --locked --profile local --features ssr --bin sirius
	@$(call ready,$(SERVER))
