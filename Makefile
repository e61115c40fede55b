# One target a verb; bare `make` lists them.

PYTHON ?= python3
ARGS   ?=
BIN    := .venv/bin
ROOMS  := domain ports adapters plugins entrypoints tests
READY  := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help venv tree

help:  ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY)  ## Create .venv with everything installed (quick the second time)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Retender needs Python 3.11 or newer; say 'make PYTHON=/path/to/python3.11'." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "This Python has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

tree:  ## Link the rooms under build/tree, for tools that want real folders
	@mkdir -p build/tree/retender
	@for room in $(ROOMS); do ln -sfn ../../../$$room build/tree/retender/$$room; done
