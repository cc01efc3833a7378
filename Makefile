# `make up` runs the portal on a machine that has Python >= 3.11 and nothing else.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS := --disable-pip-version-check --quiet --quiet

# The tests that start processes of their own; those of planning, driving and taking back; all others are the rest.
PORTALS := tests/scenarios tests/machineroom tests/clients tests/browser
ROLLOUTS := tests/rollouts tests/demo tests/incidents tests/recovery

.PHONY: up test test-portals test-rollouts test-rest proofs bench lint format locks

up: $(VENV)/.embedded
	@exec $(BIN)/python manage.py up

# In three parts beside each other: what starts whole portals mostly waits, the others keep a core busy each.
test: lint
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target test-portals test-rollouts test-rest

test-portals: $(VENV)/.dev
	$(BIN)/pytest -m "not proof" $(PORTALS)

test-rollouts: $(VENV)/.dev
	$(BIN)/pytest -m "not proof" $(ROLLOUTS)

test-rest: $(VENV)/.dev
	$(BIN)/pytest -m "not proof" $(PORTALS:%=--ignore=%) $(ROLLOUTS:%=--ignore=%)

# What takes minutes each: every step killed, the demo's till on a real engine, parts of a portal killed amid rollouts.
proofs: $(VENV)/.dev
	$(BIN)/pytest -m proof

bench: $(VENV)/.dev
	$(BIN)/python -m bench

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --check --lint
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint templates --reformat --quiet

# Newest versions within pyproject.toml's bounds; review the difference before you commit it.
locks: $(VENV)/.dev
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate --upgrade -o requirements/base.txt
	uv pip compile pyproject.toml --extra embedded -c requirements/base.txt --universal --generate-hashes --no-header --no-annotate --upgrade -o requirements/embedded.txt
	uv pip compile pyproject.toml --extra embedded --extra dev -c requirements/embedded.txt --universal --generate-hashes --no-header --no-annotate --upgrade -o requirements/dev.txt

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -f $(BIN)/python; echo "Python cannot make a virtual environment: install its venv module (Debian: apt install python3-venv)." >&2; exit 1; }

$(VENV)/.embedded: requirements/embedded.txt | $(BIN)/python
	@echo "Installing (once) ..."
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements/embedded.txt || { echo "The packages could not be installed: see above, then run make again." >&2; exit 1; }
	@touch $@

# Holds everything of embedded.txt as well.
$(VENV)/.dev: requirements/dev.txt | $(BIN)/python
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements/dev.txt || { echo "The packages could not be installed: see above, then run make again." >&2; exit 1; }
	@touch $@ $(VENV)/.embedded
