# make run    set up, then compare every model on the built-in data
# make test   set up, then run the tests
# make lint   linter, formatter and type checker
# make perf   measure against the peer library, in an environment of its own (large)

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: run test lint perf clean

run: $(VENV)/installed
	$(BIN)/python -m benchmark run --all

test: $(VENV)/installed-test
	$(BIN)/python -m pytest

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

perf: $(VENV)-perf/installed
	$(VENV)-perf/bin/python tests/perf/report.py

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) .
	touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) '.[test]'
	touch $(VENV)/installed $@

$(VENV)-perf/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-perf
	$(VENV)-perf/bin/python $(INSTALL) '.[perf]'
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-perf build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
