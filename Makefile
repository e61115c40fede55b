# One verb a target; bare `make` lists them. Each sets up what it needs.

PYTHON ?= python3
ARGS   ?=
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SINCE  ?= main
PYTHONS := 3.11 3.12 3.13 3.14
ROOMS  := domain ports adapters plugin plugins simulators entrypoints tests
TREE   := build/tree/retender
LINKS  := $(addprefix $(TREE)/,$(ROOMS))

.DEFAULT_GOAL := help
.PHONY: help venv lock hooks tree format lint types contracts quick test model check pythons simulate mutants mutation kill demo build clean

help:  ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY)  ## Create .venv with everything installed (quick the second time)

lock: $(READY)  ## Choose the newest versions that pyproject.toml allows, and write them to dev.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --quiet --upgrade --output-file dev.lock

hooks: $(READY)  ## Have git look at each commit and its message, and run make quick before a push
	$(BIN)/pre-commit install

tree: $(LINKS)  ## Link the rooms under build/tree, for tools that want real folders

format: $(READY)  ## Format the code and sort what can be sorted
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format .

lint: $(READY)  ## Check format and every lint rule
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) $(LINKS)  ## Check types, strictly, in every room
	$(BIN)/mypy $(addprefix -p retender.,$(ROOMS))

contracts: $(READY) $(LINKS)  ## Check that the arrows between the rooms point inward
	PYTHONPATH=build/tree $(BIN)/lint-imports --no-cache

quick: lint types contracts  ## What a change since SINCE=main can break, in a minute: lint, types, the nearest tests
	PYTHONPATH=build/tree $(BIN)/python -m retender.tests.selection --since $(SINCE) $(ARGS)

test: $(READY) $(LINKS)  ## Run the tests, one process a core; choose some with ARGS="-k deadline"
	$(BIN)/pytest --numprocesses auto --dist loadgroup $(ARGS)

model: $(READY) $(LINKS)  ## Explore every state of one order, far; ARGS=mutants shows what breaks it, ARGS=large goes on
	PYTHONPATH=build/tree $(BIN)/python -m retender.tests.model $(ARGS)

check: lint types contracts test  ## All of the above: what must be true before a commit

pythons: $(LINKS)  ## Run the tests on each supported Python that is here; ARGS chooses as for test
	@for version in $(PYTHONS); do \
	  if python$$version -c '' 2>/dev/null; then \
	    echo "== Python $$version"; \
	    $(MAKE) --no-print-directory test PYTHON=python$$version VENV=build/pythons/$$version || exit; \
	  else \
	    echo "== Python $$version: NOT HERE, so not tried"; \
	  fi; \
	done

simulate: $(READY) $(LINKS)  ## Play whole shops with faults: SEED=7 shows one story, ORDERS=5000 or HOURS=1 plays many
	$(BIN)/retender drill $(if $(SEED),--seed $(SEED)) $(if $(ORDERS),--orders $(ORDERS)) \
	  $(if $(HOURS),--hours $(HOURS)) $(if $(FIRST),--first $(FIRST)) $(ARGS)

mutants: $(READY) $(LINKS)  ## Plant mistakes in the protocol, and see each one caught
	PYTHONPATH=build/tree $(BIN)/python -m retender.tests.drill.mutants

mutation: $(READY) $(LINKS)  ## Spoil one line at a time where money is decided, and see a test fail; ARGS="--minutes 30"
	PYTHONPATH=build/tree $(BIN)/python -m retender.tests.mutation $(ARGS)

kill: $(READY) $(LINKS)  ## Kill real processes under load: KILLS=500 DATABASE=postgresql, or ARGS=steps
	PYTHONPATH=build/tree $(BIN)/python -m retender.tests.processes \
	  $(if $(KILLS),--kills $(KILLS)) $(if $(DATABASE),--database $(DATABASE)) $(ARGS)

demo: $(READY)  ## Play two second payments on a running system; ARGS=--once to leave by itself
	$(BIN)/retender demo $(ARGS)

build: $(READY)  ## Build the wheel into dist/
	rm -rf build/lib build/bdist.* dist
	$(BIN)/python -m build --wheel --no-isolation

clean:  ## Remove everything that tools made, the environment included
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is younger than what it was made from while the environment is right.
$(READY): pyproject.toml dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Retender needs Python 3.11 or newer. Name one: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python cannot create virtual environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(LINKS): $(TREE)/%:
	@mkdir -p $(TREE)
	@ln -sfn ../../../$* $@
