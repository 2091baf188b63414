# Everything sets itself up: a fresh clone with Python, venv and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test guarantees soak check bench peers clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[collector,chdb,dev]'
	@touch $(STAMP)

demo: $(STAMP)  ## the main job on real processes, in a home of its own, in under a minute
	$(BIN)/shipper demo

test: $(STAMP)  ## every test that this machine can run; what it cannot is skipped with its reason
	$(BIN)/python -m pytest $(PYTEST_ARGS)

guarantees: $(STAMP)  ## prove the promises and print the table; DEEP=1 sweeps every point, for an hour or more
	$(BIN)/python -m tests.guarantees $(if $(DEEP),--deep)

soak: $(STAMP)  ## a million events from 64 writers that die at random
	SHIPPER_SOAK_WRITERS=64 SHIPPER_SOAK_EVENTS=1000000 $(BIN)/python -m pytest -q tests/crash/test_soak.py

check: $(STAMP)  ## what a reviewer would run first: format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(STAMP)  ## what recording costs a CLI, in pairs of processes; BENCH_PYTHON is the interpreter that is measured
	$(BIN)/python tests/bench/overhead.py --python $(or $(BENCH_PYTHON),$(BIN)/python) $(BENCH_ARGS)

peers: $(STAMP)  ## what recording costs and whether the event survives, beside other clients from PyPI, in the same run
	$(BIN)/python -m tests.bench.peers $(PEERS_ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
