# One virtual environment inside the checkout; `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup test lint types demo bench torture clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: $(VENV)/.ready ## set up the virtual environment

$(VENV)/.ready: pyproject.toml requirements/dev.txt scripts/setup
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer found; name one: make PYTHON=..." >&2; exit 1; }
	scripts/setup "$(PYTHON)" $(VENV)

test: setup ## lint, types, the tests on each Python found, on the newest with coverage
	scripts/test

lint: setup ## ruff's rules and format, and our own linter's rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/scratch lint --no-cache src benchmarks examples

types: setup ## mypy, strict, for Linux, macOS and Windows
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin src
	$(BIN)/mypy --platform win32 src

demo: setup ## the main job: real programs killed in mid-work, without and with scratch
	$(BIN)/python examples/demo.py

$(VENV)/.bench: requirements/bench.txt $(VENV)/.ready
	$(BIN)/python -m pip install --quiet -r requirements/bench.txt
	touch $@

bench: $(VENV)/.bench ## measure the speed, as ratios within one run
	$(BIN)/python -m benchmarks

torture: setup ## the kill test for five minutes
	SCRATCHWORK_TORTURE_SECONDS=300 $(BIN)/python -m pytest tests/torture -s

clean: ## remove what the targets above made
	rm -rf .venv* build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
