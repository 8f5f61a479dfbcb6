# Tocsin's verbs. What CI runs is `make test`, the same as here. Works with the make 3.81 of macOS.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'
IMAGE ?= tocsin
FUZZ_SECONDS ?= 300
PACKAGES := domain notation ingest correlation routing adapters config app

##@ Use it

.PHONY: setup
setup: $(BIN)/.runtime  ## Create .venv with the locked packages and the command .venv/bin/tocsin

.PHONY: demo
demo: setup  ## Replay a recorded alert storm through the real service and show what becomes of it
	@$(BIN)/tocsin demo

.PHONY: run
run: setup  ## Start the service on 127.0.0.1:8080 with the sample configuration
	@exec $(BIN)/tocsin serve --config config/examples/quickstart.yaml

##@ Change it

.PHONY: test
test: $(BIN)/.dev  ## Everything CI checks: set-up, services, lint, all tests
	@set -e; started=$$SECONDS; \
	stage() { printf '\n== %s\n' "$$1"; shift; "$$@"; }; \
	stage services $(MAKE) services; \
	stage lint $(MAKE) lint; \
	stage tests $(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS); \
	printf '== services, lint and tests are fine, after %d s\n' $$((SECONDS - started))

.PHONY: unit
unit: $(BIN)/.dev  ## Only the tests that need no server (ARGS="-k name" narrows down)
	@$(BIN)/python -m pytest -m 'not services' $(ARGS)

.PHONY: fuzz
fuzz: $(BIN)/.dev  ## Post nonsense to every parser and authenticator for so long (FUZZ_SECONDS=300)
	@$(BIN)/python -m tests.ingest.fuzz $(FUZZ_SECONDS)

.PHONY: lint
lint: $(BIN)/.dev  ## ruff, mypy, import contracts, spelling, docstrings
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo 'Not formatted; run: make format' >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@told=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$told" >&2; exit 1; }
	@$(BIN)/codespell
	@$(BIN)/interrogate --quiet $(PACKAGES) || $(BIN)/interrogate -v $(PACKAGES)

.PHONY: format
format: $(BIN)/.dev  ## Format the code and fix what can be fixed by itself
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format --quiet

.PHONY: services
services: $(BIN)/.dev  ## Install the real servers that the tests start, where they are missing
	@$(BIN)/python -m tests.services install

.PHONY: bench
bench: $(BIN)/.dev  ## Measure speed and memory (ARGS="--help" tells more)
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: lock
lock: $(BIN)/.dev  ## Write the lock files again (UPGRADE=--upgrade for the newest versions)
	@$(LOCK) $(UPGRADE) --extra build --output-file requirements.lock
	@$(LOCK) $(UPGRADE) --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock

.PHONY: build-image
build-image:  ## Build the container image (IMAGE=tocsin)
	@docker build --tag $(IMAGE) .

.PHONY: clean
clean:  ## Remove what was built or cached; .venv and data/ stay
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: help
help:  ## This list
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# The stamps. Each is as new as the lock file it was made from, so a second call does nothing.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Tocsin needs Python 3.11 or newer and '$(PYTHON)' is not; name one: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments; on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv .venv

$(BIN)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo 'Installing the locked packages into .venv' >&2
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/.dev: requirements-dev.lock $(BIN)/.runtime
	@echo 'Installing the locked development packages into .venv' >&2
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
