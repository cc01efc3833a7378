# `make up` runs the portal on a machine that has Python >= 3.11 and nothing else.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS := --disable-pip-version-check --quiet --quiet

# The tests on whole portals; on the demo and in a browser; of taking databases and images back; of planning and
# driving; of three more apps; of hostile input on every page; all others are the rest.
PORTALS := tests/scenarios tests/machineroom tests/clients tests/monitoring/test_alertmanager.py
BROWSER := tests/demo tests/browser
RECOVERY := tests/recovery
ROLLOUTS := tests/rollouts
APPS := tests/flags tests/health tests/incidents
HOSTILE := tests/test_known_attacks.py tests/test_hostile_input.py tests/test_hostile_accounts.py tests/test_hostile_programs.py
PARTS := $(PORTALS) $(BROWSER) $(RECOVERY) $(ROLLOUTS) $(APPS) $(HOSTILE)

.PHONY: up test test-portals test-browser test-recovery test-rollouts test-apps test-hostile test-rest proofs proofs-recovery proofs-rest bench lint format locks

up: $(VENV)/.embedded
	@exec $(BIN)/python manage.py up

# The checks and seven parts beside each other. What starts portals and engines mostly waits for them: it goes first.
test:
	@$(MAKE) --no-print-directory --jobs=8 --output-sync=target test-portals test-browser test-recovery lint test-rollouts test-apps test-hostile test-rest

test-portals: $(VENV)/.dev
	$(BIN)/pytest -m "not proof" $(PORTALS)

test-browser: $(VENV)/.dev
	$(BIN)/pytest -m "not proof" $(BROWSER)

test-recovery: $(VENV)/.dev
	$(BIN)/pytest -m "not proof" $(RECOVERY)

test-rollouts: $(VENV)/.dev
	nice $(BIN)/pytest -m "not proof" $(ROLLOUTS)

test-apps: $(VENV)/.dev
	nice $(BIN)/pytest -m "not proof" $(APPS)

test-hostile: $(VENV)/.dev
	nice $(BIN)/pytest -m "not proof" $(HOSTILE)

test-rest: $(VENV)/.dev
	nice $(BIN)/pytest -m "not proof" $(PARTS:%=--ignore=%)

# What takes minutes each: every step killed, migrations there and back, the demo's till on a real engine, parts of a portal killed amid rollouts.
proofs:
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target proofs-recovery proofs-rest

proofs-recovery: $(VENV)/.dev
	$(BIN)/pytest -m proof tests/recovery

proofs-rest: $(VENV)/.dev
	$(BIN)/pytest -m proof --ignore=tests/recovery

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
