# make run            set up, then compare every model on the built-in data
# make test           set up, then run the tests
# make lint           linter, formatter and type checker
# make perf           measure against the peer library, in an environment of its own (large)
# make perf-networks  measure extraction and training on this CPU
# make perf-gpu       measure them on a GPU, with the frameworks that the environment has

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: run test lint perf perf-networks perf-gpu clean

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

perf-networks: $(VENV)/installed
	$(BIN)/python tests/perf/networks.py

perf-gpu:
	$(PYTHON) tests/perf/gpu.py

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
