# Everything that one does with Sirius in a checkout; `make` lists it.
# Each command works as the first one: what is missing is installed (scripts/setup).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# Cargo may keep its output elsewhere; target/ of the checkout has the results either way
CARGO_TARGET := $(or $(CARGO_TARGET_DIR),target)
SERVER := target/release/sirius
CLIENT := target/client/built-release

# Folders count too: a file that is removed changes its folder
CLIENT_SOURCES := Cargo.toml Cargo.lock $(wildcard build.rs .cargo/*) scripts/client scripts/site.mjs \
	$(shell find src locales public 2>/dev/null) $(wildcard style/*)

.PHONY: help run test dev lint deny unit e2e fuzz storm screenshots setup-build setup-test client server

help: ## List these commands
	@echo "Sirius: stock and orders of a small shop"
	@echo
	@sed -n 's/^\([a-z0-9]*\):.* ## \(.*\)/  make \1#\2/p' $(MAKEFILE_LIST) | column -t -s '#'

run: server ## Build what changed and serve on 127.0.0.1:3000 (data in data/sirius.db)
	@exec $(SERVER)

test: setup-test ## Check everything: format, lints, licences, tests on both databases, browser tests, the API under attack
	@$(MAKE) lint
	@$(MAKE) deny
	@$(MAKE) unit
	@$(MAKE) e2e
	@$(MAKE) fuzz

dev: setup-build ## Serve, and rebuild quickly at every change of a source file
	@if command -v cargo-leptos >/dev/null; then exec cargo leptos watch; else exec scripts/dev; fi

lint: setup-build ## Check the format and the lints of server and client
	cargo fmt --check
	cargo clippy --features ssr --all-targets -- --deny warnings
	scripts/clippy-client --deny warnings

deny: setup-test ## Check what Sirius is made of: licences, sources, known holes
	scripts/deny

unit: setup-test ## Run the tests of the server, on SQLite and PostgreSQL
	scripts/with-postgres cargo test --features ssr

e2e: setup-test server ## Run the browser tests; make e2e ARGS='-g login' runs some
	@cd end2end && node_modules/.bin/tsc
	cd end2end && ../scripts/with-postgres node_modules/.bin/playwright test --project=sqlite --project=postgres $(ARGS)

fuzz: setup-test server ## Attack the API by its own document for a minute
	scripts/fuzz-api $(SERVER)

storm: setup-test server ## Kill, stop and starve a server under load; print what it was asked and what it kept
	@scripts/storm $(SERVER)

screenshots: setup-test server ## Take the pictures of the pages that docs/ shows
	cd end2end && ../scripts/with-postgres node_modules/.bin/playwright test --project=screenshots $(ARGS)

# ---- What these are made of --------------------------------------------------

setup-build setup-test: setup-%:
	@scripts/setup $*

client: setup-build
	@$(MAKE) --silent $(CLIENT)

$(CLIENT): $(CLIENT_SOURCES)
	@scripts/client

# Cargo knows best what the server is made of, and is quick to say "nothing to do"
server: client
	@cargo build --release --features ssr --bin sirius
	@built='$(CARGO_TARGET)/release/sirius'; \
	if ! cmp -s "$$built" $(SERVER); then install -D "$$built" $(SERVER); echo "$(SERVER) is ready"; fi
