# make run            set up, then compare every model on the built-in data
# make test           set up, then run the tests, all but those of test-installed and test-thorough
# make test-thorough  the tests that take longest: networks and killed workers of a cluster, a
#                     network that is killed in a fold, tables of all networks and of every wheel
# make test-fast      only those that are quick
# make coverage       the tests, and what they cover of lines and branches: slower
# make faults         read 1,000 damaged variants of every kind of file, fill the disk at every write
# make kills          kill 200 processes of runs at random moments, count what is lost: results/faults;
#                     an hour on two cores; goes on where it stopped
# make test-backbones build each network of keras.applications, and compare it with Keras'
# make test-installed build the wheel, install it from the registry without networks, and use it
# make lint           linter, formatter and type checker
# make demo           compute results/demo anew: the default run's tables, figures and report
# make emotion6       compute results/emotion6 anew, where ../shared/datasets has emotion6.mat
# make wheel          what the wheel costs on the built-in images: results/wheel (some minutes)
# make quoted         compute results/quoted anew: figures that docstrings and the README quote
# make fairness       every baseline on the real datasets in ../shared, published, tuned and extended;
#                     about two hours on two cores; goes on where it stopped
# make reference      every method on them, peers within a budget: results/reference; a night on two
#                     cores; goes on where it stopped
# make dist           build wheel and sdist, and check them as strangers use them (some minutes)
# make release VERSION=0.2.0   the same, with the version and its date written where they stand
# make docs           build the documentation site: build/docs/index.html
# make docs-tables    write the computed pages of docs/
# make demo-networks  choose the demo's settings of networks on other images: results/demo_networks.csv
# make perf           measure against the peer library, in an environment of its own (large)
# make perf-peer      see how far our methods and the peer library's agree, in the same environment
# make perf-newer     time newer methods to the same objective here and there, in the same environment
# make perf-networks  measure extraction and training on this CPU
# make perf-evidence  time tables, figures and report, and the report in a browser
# make perf-kernels   measure how far results move between two kernels of the BLAS
# make perf-cluster   measure what two workers of a cluster gain over one (minutes)
# make growth         time and memory of every learner against the size of the data: results/growth; hours,
#                     goes on where it stopped
# make large-run      a whole run on 118,000 rows, and the peak memory of its processes (some ten minutes)
# make perf-kernel    measure what an approximated kernel costs PT-SVM
# make overhead       measure what the harness costs above the methods, at 10,000 tasks
# make perf-gpu       measure them on a GPU, with the frameworks that the environment has
# make perf-gpu-try   try that without a GPU, on tiny images: what each part of it takes
# make perf-steps     count the operations and bytes of their steps; times nothing
# make perf-folds     time folds that are trained side by side

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
PYTEST := -m pytest --numprocesses 2 --dist worksteal
# Where it is set, each of the hundreds of processes that tests start compiles all that it imports,
# which takes three times as long as importing it.
unexport PYTHONDONTWRITEBYTECODE
# Two processes with two threads each would wait for each other on two cores.
test test-thorough test-fast coverage faults: export OPENBLAS_NUM_THREADS := 1
test test-thorough test-fast coverage faults: export OMP_NUM_THREADS := 1
PYTEST_OPTIONS ?=

.PHONY: run test test-thorough test-fast coverage faults kills test-backbones test-installed lint demo demo-networks emotion6 wheel quoted fairness reference dist release docs docs-tables chromium perf perf-peer perf-newer perf-networks perf-evidence perf-kernels overhead perf-kernel perf-gpu perf-gpu-try perf-steps perf-folds perf-cluster growth large-run clean

run: $(VENV)/installed
	$(BIN)/ldl-benchmark run --all

test: $(VENV)/installed-test chromium
	$(BIN)/python $(PYTEST) -m "not network and not thorough" $(PYTEST_OPTIONS)

test-thorough: $(VENV)/installed-test
	$(BIN)/python $(PYTEST) -m thorough $(PYTEST_OPTIONS)

test-fast: $(VENV)/installed-test
	$(BIN)/python $(PYTEST) -m "not slow and not network and not browser and not thorough" $(PYTEST_OPTIONS)

coverage: override PYTEST_OPTIONS += --cov --cov-report=term:skip-covered
coverage: test

faults: $(VENV)/installed-test
	LDL_FAULTS=1000 $(BIN)/python $(PYTEST) tests/faults $(PYTEST_OPTIONS)

kills: $(VENV)/installed-test
	$(BIN)/python tests/faults/kills.py
	$(BIN)/python tests/quoted/readme.py docs/faults.md

test-backbones: $(VENV)/installed-test
	LDL_ALL_BACKBONES=1 $(BIN)/python -m pytest tests/features/networks/test_applications.py $(PYTEST_OPTIONS)

test-installed: $(VENV)/installed-test
	$(BIN)/python -m pytest -m network tests/test_installed.py $(PYTEST_OPTIONS)

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

demo: $(VENV)/installed-test chromium
	rm -rf results/demo/tasks
	$(BIN)/ldl-benchmark run --all --tune --no-tune-networks --out results/demo
	$(BIN)/ldl-benchmark table tests --out results/demo
	$(BIN)/ldl-benchmark table tuned --out results/demo
	$(BIN)/ldl-benchmark figure all --format svg --format pdf --out results/demo
	$(BIN)/python tests/benchmark/screenshot.py results/demo
	$(BIN)/python tests/quoted/readme.py

# Scores of real data are kept, the data are not.
EMOTION6 ?= ../shared/datasets/emotion6.mat
emotion6: $(VENV)/installed-test
	@test -f $(EMOTION6) || { echo "There is no $(EMOTION6); give make EMOTION6=FILE."; exit 1; }
	$(BIN)/ldl-benchmark run --all --tune --dataset $(EMOTION6) --out results/runs/emotion6 --no-report
	$(BIN)/ldl-benchmark table 3 --out results/runs/emotion6 --to results/emotion6
	$(BIN)/ldl-benchmark table tuned --label tab:tuned-emotion6 --out results/runs/emotion6 --to results/emotion6
	$(BIN)/ldl-benchmark figure all --width column --format pdf --out results/runs/emotion6 --to results/emotion6
	cp results/runs/emotion6/run.json results/emotion6/settings.json
	rm -f results/emotion6/log.txt
	$(BIN)/python tests/quoted/readme.py

# The wheel as published, trained, and read as logits, beside none; without names: all seventeen.
wheel: $(VENV)/installed
	$(BIN)/ldl-benchmark run "no wheel" "prior, frozen, mixture" "prior, trained, mixture" "prior, frozen, logit" \
		--protocol wheel --dataset synthetic --backbone small --out results/runs/wheel --no-report
	$(BIN)/ldl-benchmark table wheel --out results/runs/wheel --to results/wheel
	rm -f results/wheel/log.txt results/wheel/wheel.tex

quoted: $(VENV)/installed-test
	$(BIN)/python tests/quoted/measure.py
	$(BIN)/python tests/quoted/noise_floor.py

fairness: $(VENV)/installed-test
	$(BIN)/python tests/perf/fairness.py

reference: $(VENV)/installed-test
	$(BIN)/python tests/perf/reference.py
	$(BIN)/python tests/perf/reference.py --collect

docs: $(VENV)/installed-test
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --jobs 2 docs build/docs
	$(BIN)/python docs/links.py build/docs

docs-tables: $(VENV)/installed-test
	$(BIN)/python docs/tables.py

dist: $(VENV)-release/installed
	$(VENV)-release/bin/python tests/release/release.py

release: $(VENV)-release/installed
	@test -n "$(VERSION)" || { echo "Give the version: make release VERSION=0.2.0"; exit 1; }
	$(VENV)-release/bin/python tests/release/release.py $(VERSION)

# The report is tested in a browser. Where there is none and it cannot be installed, these tests are skipped.
chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
	|| { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
	     && apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; } \
	|| echo "No Chromium here: the tests of the report in a browser will be skipped."

demo-networks: $(VENV)/installed
	$(BIN)/python tests/perf/demo_networks.py

perf: $(VENV)-perf/installed
	$(VENV)-perf/bin/python tests/perf/report.py

perf-networks: $(VENV)/installed
	$(BIN)/python tests/perf/networks.py

perf-evidence: $(VENV)/installed-test chromium
	$(BIN)/python tests/perf/evidence.py

DATA ?= ../shared/datasets
perf-kernels: $(VENV)/installed
	$(BIN)/python tests/perf/blas_kernels.py $(DATA)

perf-cluster: $(VENV)/installed-test
	$(BIN)/python tests/perf/cluster.py

perf-kernel: $(VENV)/installed
	$(BIN)/python tests/perf/kernel_approximation.py $(DATA)

overhead: $(VENV)/installed
	$(BIN)/python tests/perf/overhead.py --profile

perf-peer: $(VENV)-perf/installed
	$(VENV)-perf/bin/python tests/perf/peer_agreement.py $(DATA)

perf-newer: $(VENV)-perf/installed
	$(VENV)-perf/bin/python tests/perf/newer_methods.py --data $(DATA)

growth: $(VENV)/installed
	$(BIN)/python tests/perf/growth.py

large-run: $(VENV)/installed
	$(BIN)/python tests/perf/large_run.py

perf-gpu:
	$(PYTHON) tests/perf/gpu.py

perf-gpu-try:
	@mkdir -p build && rm -f build/gpu_try.json
	for backend in jax tensorflow torch; do KERAS_BACKEND=$$backend $(PYTHON) tests/perf/gpu.py \
	    --any-device --images 18 --size 16 --backbone small --seconds 3600 \
	    --record build/gpu_try.json --out build/gpu_try.md --timings results/gpu_try.md || true; done

perf-steps: $(VENV)/installed
	$(BIN)/python tests/perf/operations.py

perf-folds: $(VENV)/installed
	$(BIN)/python tests/perf/folds.py

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) '.[networks]'
	touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) '.[networks,test,docs]'
	touch $(VENV)/installed $@

$(VENV)-perf/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-perf
	$(VENV)-perf/bin/python $(INSTALL) '.[networks,perf]'
	touch $@

$(VENV)-release/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-release
	$(VENV)-release/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-perf $(VENV)-release build dist *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
