# `make run` and `make test` work on a new machine after `git clone`; see README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test lint bench screenshots help

help:
	@echo "make run    the desk with demonstration data on http://127.0.0.1:8000"
	@echo "make test   everything, on SQLite and PostgreSQL, browser journeys included"
	@echo "make lint   ruff, mypy, import-linter, templates, migrations"
	@echo "make bench  the benchmarks"
	@echo "make screenshots  pictures of the desk in docs/screenshots/"

run: export DEBUG ?= true
run: $(VENV)/run
	@$(BIN)/python manage.py seed_demo --when-new
	@exec $(BIN)/python manage.py serve

test: $(VENV)/dev
	@$(BIN)/python -m tests

lint: export DEBUG = true
lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djangofmt --check --quiet templates
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

bench: $(VENV)/dev
	@$(BIN)/python -m tests.benchmarks

screenshots: $(VENV)/dev
	@$(BIN)/python -m tests.screenshots

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Omnichannel needs Python 3.11 or newer; set PYTHON=python3.11, say."; exit 1; }
	@echo "Making a virtual environment …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run: requirements.txt | $(BIN)/python
	@echo "Installing what requirements.txt names …"
	@$(BIN)/pip install -q -r requirements.txt
	@touch $@

$(VENV)/dev: requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing what requirements-dev.txt names …"
	@$(BIN)/pip install -q -r requirements-dev.txt
	@touch $@ $(VENV)/run
