# The commands of visil_dash. Each one first makes or completes .venv; see docs/install.md.
#
# PORT=8502      port of the dashboard          PYTHON=python3.12  Python that makes .venv
# HNSWLIB_NO_NATIVE=1  builds the index without instructions that only this CPU has: set it when
#                .venv or an image of it moves between machines

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; \
	done; echo python3)
PORT ?= 8501
VENV := .venv
RUN := $(VENV)/bin/python
TESTS ?= tests
FAST := not browser and not slow and not night and not cluster
PARALLEL := --numprocesses 2 --dist loadfile # a module's fixtures are made once
NO_TESTS := 5 # pytest's exit code where TESTS has none of a lane
SCREENS ?= build/screens

.DEFAULT_GOAL := help
.PHONY: help run demo test check format night bench growth screens preflight environment dev-environment cluster-environment test-cluster clean distclean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: environment ## start the dashboard on this machine, with the demo library if there is none
	@$(RUN) -m visil_dash serve --port $(PORT)

demo: environment ## put the demo videos into the library (those already there are skipped)
	@$(RUN) -m visil_dash demo

test: dev-environment ## the fast lane, a few minutes: no browsers, no slow tests; TESTS=tests/index for some
	@$(RUN) -m pytest -m "$(FAST)" $(PARALLEL) --durations=15 $(TESTS)

check: dev-environment ## format, lint, types, the fast lane, then all other tests but the nightly ones
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@$(RUN) -m pytest -m "$(FAST)" $(PARALLEL) --durations=15 $(TESTS) || [ $$? = $(NO_TESTS) ]
	@$(RUN) -m pytest -m "not ($(FAST)) and not night and not cluster" $(PARALLEL) --durations=15 $(TESTS) || [ $$? = $(NO_TESTS) ]

format: dev-environment ## put the code into the one format
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

test-cluster: cluster-environment ## the tests with servers (Milvus, Ray, PostgreSQL), without a network; a few minutes
	@OMP_NUM_THREADS=1 $(PYTHON) scripts/isolated.py $(RUN) -m pytest -m cluster $(PARALLEL) --durations=15 tests/cluster

night: dev-environment ## the tests with large numbers, up to an hour; nothing else
	@$(RUN) -m pytest -m night $(TESTS)

bench: dev-environment ## how fast the product is, beside plain ways of the same work; a few minutes
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(RUN) -m benchmarks.speed --json build/bench.json

growth: dev-environment ## how costs grow with videos, frames and dimensions; fails where they rose
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(RUN) -m benchmarks.speed.growth --history benchmarks/speed/history.jsonl

screens: dev-environment ## screenshots of every page, light and dark, into SCREENS=build/screens
	@$(RUN) -m pytest -m browser --screens $(SCREENS) --color-scheme light $(TESTS)
	@$(RUN) -m pytest -m browser --screens $(SCREENS) --color-scheme dark $(TESTS)

preflight: ## say what this machine lacks, and how to get it
	@$(PYTHON) scripts/preflight.py

environment:
	@$(PYTHON) scripts/environment.py $(VENV) requirements.txt

dev-environment:
	@$(PYTHON) scripts/environment.py $(VENV) requirements-dev.txt

cluster-environment:
	@$(PYTHON) scripts/environment.py $(VENV) requirements-cluster-dev.txt

clean: ## remove what the tools cached; keeps .venv and your data
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -path ./$(VENV) -prune -o -path ./data -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## also remove .venv; your data stays in data/
	@rm -rf $(VENV)
