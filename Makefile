# A fresh machine needs git, make and Python 3.11 or later, and two commands: make demo, make test.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
DATA ?= ../shared/data
RECIPES ?= bm25,dense,four-sum,default

.PHONY: help demo test lint bench bench-postgres bench-upkeep load torture arena reference figures clean

help:
	@echo "make demo       a virtual environment, mneme in it, and the demonstration"
	@echo "make test       everything that CI runs: style, types, layers, tests"
	@echo "make bench      measure against plain stacks; writes build/bench.json"
	@echo "make load       a server under load: 64 clients, 100 spaces of 1,000 memories, 60 s"
	@echo "make bench-postgres  measure PostgreSQL against a query written by hand; half an hour"
	@echo "make bench-upkeep  upkeep of a million memories, and after a thousand new ones; writes build/bench-upkeep.json"
	@echo "make torture    the long crash and concurrency runs"
	@echo "make arena      retrieval on the benchmark data in DATA ($(DATA))"
	@echo "make reference  write docs/reference/ anew from the code"
	@echo "make figures    write the README's table anew from build/bench.json"
	@echo "make clean      remove what the other commands made, .venv too"

demo: $(VENV)/installed
	@$(BIN)/mneme demo

test: $(VENV)/installed-dev lint
	$(BIN)/python -m pytest -n 2 -m "not slow"

lint: $(VENV)/installed-dev
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/installed-bench
	@mkdir -p build
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/bench.py --out build/bench.json

load: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.load --json build/load.json

bench-postgres: $(VENV)/installed-dev
	@mkdir -p build
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/postgres.py --out build/bench-postgres.json

bench-upkeep: $(VENV)/installed-dev
	@mkdir -p build
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/upkeep.py --out build/bench-upkeep.json

torture: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow -p no:randomly

arena: $(VENV)/installed-dev
	$(BIN)/mneme arena run locomo --data $(DATA)/locomo/locomo.json --recipe $(RECIPES) --json build/arena/locomo.json
	$(BIN)/mneme arena run longmemeval --data $(DATA)/longmemeval/longmemeval_s_sample.json --recipe $(RECIPES) --json build/arena/longmemeval.json

reference: $(VENV)/installed-dev
	$(BIN)/python scripts/make_reference.py

figures: $(VENV)/installed
	$(BIN)/python scripts/figures.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "mneme needs Python 3.11 or later: install it, or name it with make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) has no venv module: install it (on Debian: apt install python3-venv)" >&2; exit 1; }

$(VENV)/installed: pyproject.toml | $(BIN)/python
	@echo "Installing mneme ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing mneme with its development tools ..."
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-bench: pyproject.toml | $(BIN)/python
	@echo "Installing mneme with the benchmark's peers ..."
	@$(PIP) --editable '.[bench]'
	@touch $@ $(VENV)/installed
