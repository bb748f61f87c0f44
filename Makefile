# `make run` and `make test` work on a new machine after `git clone`; see README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BIOME := $(BIN)/node node_modules/@biomejs/biome/bin/biome
INSTALL := $(BIN)/pip install --quiet --require-hashes --requirement
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# The tests start hundreds of Python processes: compile each module once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test test-fast production-check lint format lock coverage bench screenshots translations
.PHONY: lint-python lint-templates lint-assets lint-django lint-deploy

help:
	@echo "make run           the desk with demonstration data on http://127.0.0.1:8000"
	@echo "make test          all tests, on SQLite and PostgreSQL, browser tests included"
	@echo "make test-fast     most tests, on SQLite only, for work in progress"
	@echo "make production-check  the processes of deploy/ on loopback: nginx, PgBouncer, all kinds of servers"
	@echo "make coverage      which lines the last 'make test' did not run (Python 3.12 or newer)"
	@echo "make lint          linters, type checker, templates, migrations, deployment files"
	@echo "make format        format the code"
	@echo "make translations  bring the translation catalogs up to date"
	@echo "make lock          bring the requirements*.lock files up to date"
	@echo "make bench         the benchmarks"
	@echo "make screenshots   pictures of the desk in docs/screenshots/"

# -- Run ------------------------------------------------------------------------------------------------------------

run: export DEBUG ?= true
run: $(VENV)/run
	@$(BIN)/python manage.py seed_demo --if-empty
	@exec $(BIN)/python manage.py serve

# -- Test -----------------------------------------------------------------------------------------------------------

# The stages run side by side, the longest first. One more than there are cores, because servers and browsers wait much.
TEST_STAGES := test-sqlite test-postgresql test-journeys test-processes-sqlite test-processes-postgresql
.PHONY: $(TEST_STAGES)
CORES := $(shell getconf _NPROCESSORS_ONLN)
JOBS := $(shell expr $(CORES) + 1)
# xdist workers of the two large stages: half the cores each; with few cores pytest's own process is enough.
WORKERS := $(shell expr \( $(CORES) / 2 \) \* \( $(CORES) \> 3 \))
REPORTS := var/test-reports
PYTEST = $(BIN)/python -m pytest -q --fail-on-skip --junitxml=$(REPORTS)/$@.xml
# Measuring coverage is cheap from Python 3.12 on (sys.monitoring); on 3.11 it takes nearly twice the processor time.
COVERAGE = $(shell $(BIN)/python -c 'import sys; print("--cov --cov-report=" if sys.version_info >= (3, 12) else "")')
ON_POSTGRESQL := $(BIN)/python -m tests.postgres
UNIT_TESTS := -n $(WORKERS) --dist loadfile --ignore=tests/processes --ignore=tests/journeys tests

test: $(VENV)/dev
	@$(BIN)/python -m tests.system_packages
	@rm -rf $(REPORTS) .coverage
	@echo "Running $(TEST_STAGES), $(JOBS) at once; each prints its output when it is done …"
	@$(MAKE) --no-print-directory --keep-going --jobs=$(JOBS) \
		$(if $(filter output-sync,$(.FEATURES)),--output-sync=target) $(TEST_STAGES); \
	$(BIN)/python -m tests.summary $$? $(TEST_STAGES:%=$(REPORTS)/%.xml)

test-sqlite: $(VENV)/dev
	$(PYTEST) $(COVERAGE) $(UNIT_TESTS)

test-postgresql: $(VENV)/dev
	$(ON_POSTGRESQL) $(PYTEST) -m database $(UNIT_TESTS)

test-journeys: $(VENV)/dev
	$(PYTEST) -n 2 --dist loadfile tests/journeys

test-processes-sqlite: $(VENV)/dev
	$(PYTEST) --ignore=tests/processes/test_rolling_restart.py tests/processes

# These two start their own PostgreSQL; they have run in test-processes-sqlite.
test-processes-postgresql: $(VENV)/dev
	$(ON_POSTGRESQL) $(PYTEST) --ignore=tests/processes/test_database_outages.py \
		--ignore=tests/processes/test_production_shape.py --ignore=tests/processes/test_rolling_restart.py tests/processes

# For work in progress: neither browsers nor servers nor PostgreSQL, and without the tests marked `slow`.
test-fast: $(VENV)/dev
	$(BIN)/python -m pytest -q -m "not slow" -n 2 --dist loadfile --ignore=tests/processes --ignore=tests/journeys tests

# Starts what deploy/ describes; says which of Debian's packages are missing and installs nothing.
production-check: $(VENV)/dev
	$(BIN)/python -m pytest -v tests/processes/test_production_shape.py tests/processes/test_rolling_restart.py

coverage: $(VENV)/dev
	@$(BIN)/coverage report --skip-covered --show-missing

# -- Lint and format ------------------------------------------------------------------------------------------------

lint: lint-python lint-templates lint-assets lint-django lint-deploy

lint-python: export DEBUG = true
lint-python: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-templates: $(VENV)/dev
	$(BIN)/djangofmt --check --quiet templates
	$(BIN)/djlint --lint --quiet templates

lint-assets: $(VENV)/dev node_modules/.package-lock.json
	$(BIOME) check --error-on-warnings

lint-django: export DEBUG = true
lint-django: $(VENV)/dev
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

lint-deploy: $(VENV)/dev
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/pre-commit validate-config

format: $(VENV)/dev node_modules/.package-lock.json
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .
	$(BIOME) check --write

# -- Generated files ------------------------------------------------------------------------------------------------

translations: export DEBUG = true
translations: $(VENV)/dev
	@$(BIN)/python manage.py translations

# Versions that still fit are kept; `make lock UPGRADE=--upgrade` takes the newest of indirect dependencies.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(UPGRADE)
lock: $(VENV)/dev
	$(COMPILE) requirements.txt --output-file requirements.lock
	$(COMPILE) requirements-dev.txt --constraints requirements.lock --output-file requirements-dev.lock

bench: $(VENV)/dev
	@$(BIN)/python -m tests.benchmarks

screenshots: $(VENV)/dev
	@$(BIN)/python -m tests.screenshots

# -- Virtual environment --------------------------------------------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Omnichannel needs Python 3.11 or newer; set PYTHON=python3.11, say."; exit 1; }
	@echo "Creating a virtual environment …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run: requirements.lock | $(BIN)/python
	@echo "Installing requirements.lock …"
	@$(INSTALL) requirements.lock
	@touch $@

$(VENV)/dev: requirements-dev.lock | $(BIN)/python
	@echo "Installing requirements-dev.lock …"
	@$(INSTALL) requirements-dev.lock
	@touch $@ $(VENV)/run

node_modules/.package-lock.json: package.json package-lock.json | $(VENV)/dev
	@echo "Installing what package-lock.json names …"
	@$(BIN)/npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@
