# Every target needs only Python and make; `.venv` is created from setup.cfg on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUFF := --isolated --target-version py310 --line-length 120
FORMAT := $(RUFF) --config 'format.skip-magic-trailing-comma=true' --config 'lint.isort.split-on-trailing-comma=false'
RULES := --select E,F,W,I,UP,B,SIM,D1,RUF,PT,C4 --ignore E501,D100,D104,D105,D107,RUF001,RUF002,RUF003 --per-file-ignores '**/faults/kinds/*:D1'
SERVE ?=
# Only the files that have such tests are read, because collecting all tests takes seconds.
ALONE = $(BIN)/python -m pytest -m alone $$(grep -rl --include='test_*.py' 'pytest\.mark\.alone' tests)

.DEFAULT_GOAL := help
.PHONY: help serve test test-full test-pythons test-floors container-check audit check format format-check lint types data docs docs-write assets screenshot bench dist clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs,tls]'
	@touch $@

$(VENV)/.dev: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/.run $@

$(VENV)/.audit: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,audit]'
	@touch $(VENV)/.run $(VENV)/.dev $@

serve: $(VENV)/.run  ## serve the default scenario on 127.0.0.1:8080 (SERVE="--port 9000 …" for options)
	$(BIN)/mockserver serve $(SERVE)

# Tests start hundreds of processes: without stored bytecode each of them compiles the package again.
test test-full: export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/.dev  ## run the tests
	$(BIN)/python -m pytest -n auto --dist worksteal -m 'not alone'
	$(ALONE)

test-full: $(VENV)/.dev  ## run the tests at full length: 20,000 fuzzed requests, a soak of 100,000, 300 edits, 100 starts
	MOCKSERVER_TEST_FULL=1 $(BIN)/python -m pytest -n auto --dist worksteal -m 'not alone'
	MOCKSERVER_TEST_FULL=1 $(ALONE)

test-pythons: $(VENV)/.dev  ## compare the generated worlds on every installed Python from 3.10
	$(BIN)/python tests/world/every_python.py

test-floors: $(VENV)/.dev  ## run a part of the tests with the oldest versions that setup.cfg allows, on the oldest Python
	$(BIN)/python -m tests.project.floors

container-check: $(VENV)/.dev  ## build the image of the Dockerfile and run it (root, mmdebstrap and buildah; no container engine)
	$(BIN)/python -m tests.deploy.container_check

audit: $(VENV)/.audit  ## look for known vulnerabilities (needs the network) and unsafe code
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml mockserver
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check > $(VENV)/audited.txt
	@# --strict: a package that cannot be looked up is a failure.
	$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off --requirement $(VENV)/audited.txt

check: format-check lint types data docs test  ## run everything that must pass before a merge

format: $(VENV)/.dev  ## format the code and fix lint
	$(BIN)/ruff format $(FORMAT) mockserver tests
	$(BIN)/ruff check $(RUFF) $(RULES) --fix mockserver

format-check: $(VENV)/.dev  ## check the formatting without changing files
	$(BIN)/ruff format $(FORMAT) --check mockserver tests

lint: $(VENV)/.dev  ## lint with ruff
	$(BIN)/ruff check $(RUFF) $(RULES) mockserver
	$(BIN)/ruff check $(RUFF) --select E,F,W,I,UP,B,PT --ignore E501 tests

types: $(VENV)/.dev  ## check the types with mypy, strict
	$(BIN)/mypy

data: $(VENV)/.dev  ## check schemas, fixtures and scenarios
	$(BIN)/mockserver check

docs: $(VENV)/.dev  ## check the generated tables of the documentation
	$(BIN)/python -m tests.project.doc_tables --check

docs-write: $(VENV)/.dev  ## write the generated tables of the documentation
	$(BIN)/python -m tests.project.doc_tables --write

assets: $(VENV)/.dev  ## fetch the third-party files of the console from npm again
	$(BIN)/python -m tests.project.vendored_assets

screenshot: $(VENV)/.dev  ## take the pictures of the console for the READMEs again
	$(BIN)/python -m tests.console.screenshot

bench: $(VENV)/.dev  ## benchmark requests, CPU, start-up and cold questions against raw ASGI and a minimal Flask app
	$(BIN)/python -m tests.bench

dist: $(VENV)/.dev  ## build the wheel and the source archive
	rm -rf build dist
	$(BIN)/python -m build --quiet

clean:  ## remove build products and caches
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
