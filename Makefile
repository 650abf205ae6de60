# Everything a person or a CI runs. The virtual environment is made once and kept.
PYTHON ?= python3
BIN := .venv/bin
FAST := tests/analysis tests/domain tests/formatting tests/registry tests/schedulers tests/search tests/spec tests/system tests/test_house.py

.DEFAULT_GOAL := help
.PHONY: help install dev run test package coverage faults cluster broken audit check docs style lint format benchmarks gpu clean

help:            ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

install: .venv/installed      ## make .venv and install what running needs

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

dev: .venv/dev-installed      ## install what tests and linting need

.venv/dev-installed: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

run: install     ## tune the shipped study `digits` to the end, or go on with it
	@if $(BIN)/tuner status digits >/dev/null 2>&1; then $(BIN)/tuner resume digits; else $(BIN)/tuner run digits; fi

test: dev        ## run all tests
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

package:         ## build the wheel, install it in an environment of its own, and use it from an empty folder
	PYTHON=$(PYTHON) .ci/package

coverage: dev    ## run all tests, and say which lines they miss
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

faults: dev      ## kill drivers and workers more than 200 times, fuzz 5,000 inputs: 0 lost, 0 twice (half an hour)
	TUNER_FAULTS=long TUNER_FUZZ_EXAMPLES=10 $(BIN)/python -m pytest -s --timeout 3600 tests/faults

cluster: dev     ## kill nodes, drivers and heads of real Ray clusters on this machine (minutes)
	TUNER_CLUSTER=long $(BIN)/python -m pytest -s --timeout 1800 tests/end_to_end/test_cluster.py

broken: dev      ## break one line of the product for each row of the fault matrix: its tests turn red
	$(BIN)/python tests/faults/broken_builds.py

audit: dev       ## look for what is known to be unsafe in the code; what was looked at and is fine stands in pyproject.toml
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml tuner/ objectives/ search_spaces/

check: style     ## run before a push: style, types, architecture, and the tests that take seconds
	$(BIN)/python -m pytest -n 2 --dist loadfile $(FAST)

gpu:             ## cohorts on this machine's GPU: the same numbers, and how many a second; torch and numpy will do
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) benchmarks/gpu.py

docs: dev        ## build the documentation as a site in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

style: dev       ## check style, types and architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lint: docs style ## check style, types, architecture and documentation

format: dev      ## put the code into its canonical form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: dev  ## measure what the README claims
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/cohorts.py
	$(BIN)/python benchmarks/report.py

clean:           ## delete what can be made again; studies are kept
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
