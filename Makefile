# Every check and tool of the project, on a machine that has `make` and Python 3.11 or
# newer: uv and nox go into `.venv`, and nox makes an environment for each session.

PYTHON ?= python3
VENV := .venv
NOX := $(VENV)/bin/nox
READY := $(VENV)/.ready

export UV_PYTHON_DOWNLOADS := never

# An environment whose Python is gone, as after its removal, is made anew.
RUNS := $(shell $(VENV)/bin/python -c 'print(1)' 2>/dev/null)
ifndef RUNS
.PHONY: $(READY)
endif

.DEFAULT_GOAL := help
.PHONY: help test ci lint format types docs demo bench dev lock clean

help: ## Show this list
	@echo 'Usage: make TARGET [PYTHON=python3.12]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'One session alone, with arguments of its own: $(NOX) -s tests-3.12 -- -k order'

test: $(READY) ## Run the checks: lint, types, docs, the tests on each Python found and on the wheel
	@$(VENV)/bin/python scripts/check.py

ci: $(READY) ## Run every check: those of `make test`, and those that take longer
	@$(VENV)/bin/python scripts/check.py check slow

lint: $(READY) ## Check style and format with ruff
	@$(NOX) -s lint

format: $(READY) ## Let ruff mend what it can
	@$(NOX) -s format

types: $(READY) ## Check types with mypy, pyright, basedpyright, ty and pyrefly
	@$(NOX) -s types

docs: $(READY) ## Build the documentation into site/
	@$(NOX) -s docs

demo: $(READY) ## Publish and restore the example with a real PostgreSQL
	@$(NOX) -s demo

bench: $(READY) ## Measure against AWS's loop, pluggy and stevedore
	@$(NOX) -s bench

dev: $(READY) ## Install the project and all its tools into .venv, for your editor
	@$(VENV)/bin/uv pip install --python $(VENV)/bin/python --constraint constraints.txt \
		--editable '.[cli,lint,testing]' --group dev

lock: $(READY) ## Write the newest versions of all tools to constraints.txt
	@$(NOX) -s lock

clean: ## Remove what the tools made
	rm -rf $(VENV) .nox .reports .mypy_cache .pytest_cache .ruff_cache .hypothesis site dist

$(READY): Makefile constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("This needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(if $(RUNS),,--clear) $(VENV) || { rm -rf $(VENV); echo 'On Debian and Ubuntu the module venv is in the package python3-venv.' >&2; exit 1; }
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt nox uv
	@touch $@
