# Every task of this project. `make` alone lists them; `make run` is the one to start with.
#
# What is needed: make, and python3 >= 3.11 with venv or pip. Everything else is brought by a recipe into
# .uv/ and .venv/ below this folder, pinned by hash, and can be removed with `make clean`.

SHELL := /bin/sh
PYTHON ?= python3
PATH := $(CURDIR)/.uv/bin:$(CURDIR)/.uv/target/bin:$(PATH)
export PATH
# uv must never fetch an interpreter of its own: the one that is here is the one the project is run with.
export UV_PYTHON_DOWNLOADS := never
# Where it is set, as containers like to, every process compiles all that it imports again: 2.0 CPU seconds instead of
# 0.9 to import the API, 20 instead of 7.5 to collect the tests, which also start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

NEEDS_PYTHON := Install Python 3.11 or newer (Debian, Ubuntu: apt install python3 python3-venv), or name one: make PYTHON=python3.12
NEEDS_PIP := Install venv or pip for $(PYTHON) (Debian, Ubuntu: apt install python3-venv), then run make again.

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
SYNC := uv pip sync --quiet --python .venv/bin/python --require-hashes
INSTALL_PROJECT := uv pip install --quiet --python .venv/bin/python --offline --no-deps --no-build-isolation --editable .

UNIT := tests/api/terms tests/capture_validation/containers tests/test_docs.py tests/storage/test_steps.py \
    tests/storage/ledger/test_amounts.py

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run install dev test unit test-clients faults lint format openapi openapi-clients bench load proof lock clean

help: ## List these tasks.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

run: .venv/run ## Start everything on this machine: database, object store, API and worker.
	@.venv/bin/companion run

install: .venv/run ## Install what `make run` needs, and start nothing.

dev: .venv/dev ## Install what the tests and the checks below need, too.

test: .venv/dev ## Run the tests, against a real PostgreSQL and a real S3 (no Node, no browser).
	@.venv/bin/pytest -n auto --dist worksteal --ignore=tests/clients tests

unit: .venv/dev ## Run what needs no engine, no codec and no other process: parsers, terms, amounts. Ten seconds.
	@.venv/bin/pytest -q -n 0 $(UNIT)

test-clients: .venv/dev ## Run real clients (Node, brought by the lock; Chromium, where there is one) against a running service.
	@.venv/bin/pytest -rs tests/clients

faults: .venv/dev ## Kill, cut, fill and stop everything many times (COMPANION_FAULT_ROUNDS, COMPANION_FAULT_TRANSFERS).
	@COMPANION_FAULT_ROUNDS=$${COMPANION_FAULT_ROUNDS:-50} COMPANION_FAULT_API_KILLS=$${COMPANION_FAULT_API_KILLS:-200} \
	    COMPANION_FAULT_TRANSFERS=$${COMPANION_FAULT_TRANSFERS:-5000} \
	    COMPANION_FAULT_RACES=$${COMPANION_FAULT_RACES:-10000} COMPANION_FAULT_REQUESTS=$${COMPANION_FAULT_REQUESTS:-50} \
	    COMPANION_FAULT_MONEY=$${COMPANION_FAULT_MONEY:-60} \
	    .venv/bin/pytest -s tests/api/test_strange_requests.py tests/storage/test_sale_race.py tests/api/test_faults.py tests/api/test_network_faults.py \
	    tests/api/test_outages.py tests/api/test_money_machine.py tests/storage/ledger/test_killed.py tests/storage/ledger/test_race.py
	@.venv/bin/python -m load_tests.broken hash
	@.venv/bin/python -m load_tests.broken rounding

lint: .venv/dev ## Check style, types, import contracts, and that openapi.json is current.
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/python openapi/export.py --check

format: .venv/dev ## Rewrite the code in the project's style.
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

openapi: .venv/dev ## Write openapi/openapi.json from the routes.
	@.venv/bin/python openapi/export.py

openapi-clients: .venv/dev ## Generate the Kotlin and Swift clients (needs a Java runtime, 11 or newer).
	@.venv/bin/python openapi/clients.py

bench: .venv/dev ## Measure the hot paths side by side with a named peer.
	@.venv/bin/python -m benchmarks

load: .venv/dev ## Send five minutes of people at a service of its own and judge what it promises (companion load-test).
	@.venv/bin/python -m load_tests $(LOAD)

proof: .venv/dev ## Send a crowd at the service with its gate and without, 25 minutes each (PROOF="--duration 5m").
	@.venv/bin/python -m load_tests.proof $(PROOF)

lock: uv ## Resolve the newest allowed versions into the locks (no address, only hashes).
	@$(COMPILE) --upgrade --group build --output-file requirements.lock pyproject.toml
	@$(COMPILE) --upgrade --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	@echo uv | $(COMPILE) --upgrade --output-file requirements-uv.lock -

clean: ## Remove what these tasks installed. Recordings and the database lie elsewhere and stay.
	rm -rf .uv .venv tests/clients/node_modules benchmarks/tus_server/node_modules openapi/generated

# uv: the one on this machine, else a private one through venv, else through pip.
.PHONY: uv
uv:
	@command -v uv >/dev/null || { \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "$(NEEDS_PYTHON)" >&2; exit 1; }; \
	  rm -rf .uv; \
	  if $(PYTHON) -m venv .uv >/dev/null 2>&1; then \
	    .uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock; \
	  elif rm -rf .uv && $(PYTHON) -m pip --version >/dev/null 2>&1; then \
	    $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --target .uv/target -r requirements-uv.lock; \
	  else \
	    echo "$(NEEDS_PIP)" >&2; exit 1; \
	  fi; }

.venv/bin/python: | uv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "$(NEEDS_PYTHON)" >&2; exit 1; }
	@rm -rf .venv && uv venv --quiet --no-project --python "$(PYTHON)" .venv

# Two stamps, one environment: the development lock holds every version of the other, so it serves both.
.venv/run: requirements.lock pyproject.toml .venv/bin/python | uv
	@rm -f .venv/dev
	@$(SYNC) requirements.lock
	@$(INSTALL_PROJECT)
	@touch .venv/run

.venv/dev: requirements.lock requirements-dev.lock pyproject.toml .venv/bin/python | uv
	@$(SYNC) requirements-dev.lock
	@$(INSTALL_PROJECT)
	@touch .venv/run .venv/dev
