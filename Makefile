# Everything sets itself up: a fresh clone with Python, venv and make is enough.
# PINNED=1 takes exactly the packages of .ci/requirements.txt, by their hashes; without it the newest that fit are taken.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SMALL := $(VENV)/.installed-small

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

#: Two processes share the tests, each file whole: most tests wait for a process, not for a processor.
TWO := -n 2 --dist loadfile

.PHONY: demo test quick docs package sbom pins man guarantees soak check bench instructions bench-answers peers clean

$(SMALL): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[collector]'
	@touch $(SMALL)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
ifdef PINNED
	$(PIP) --require-hashes --requirement .ci/requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
else
	$(PIP) --editable '.[collector,chdb,completion,docs,dev]'
endif
	@touch $(STAMP)

demo: $(if $(wildcard $(STAMP)),$(STAMP),$(SMALL))  ## the main job on real processes, in a home of its own, in under a minute
	$(BIN)/shipper demo

test: $(STAMP)  ## every test that this machine can run; what it cannot is skipped with its reason
	$(BIN)/python -m pytest $(TWO) $(PYTEST_ARGS)

quick: $(STAMP)  ## what to run at every save: recording, spool, decisions and the walls of the house, in half a minute
	$(BIN)/python -m pytest $(TWO) tests/recording tests/spool tests/delivery tests/test_architecture.py $(PYTEST_ARGS)

docs: $(STAMP)  ## the site, into build/site; every link is checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

package: $(STAMP) man  ## the wheel and the sdist, into dist/, as an index would take them
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

sbom: $(STAMP)  ## what the built wheel is made of, as CycloneDX, beside it in dist/
	rm -rf build/sbom
	$(PYTHON) -m venv build/sbom
	build/sbom/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file dist/event-shipper.cdx.json build/sbom/bin/python

pins:  ## (needs uv) write .ci/requirements.txt anew: every package that the gate installs, by its hashes
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		--extra collector --extra chdb --extra completion --extra docs --extra dev pyproject.toml --output-file .ci/requirements.txt

man: $(STAMP)  ## write man/shipper.1 anew, from the parser
	COLUMNS=100 SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/argparse-manpage --module shipper.cli --function whole_parser \
		--prog shipper --project-name event-shipper --description "usage telemetry for command-line tools" \
		--url https://event-shipper.github.io/event-shipper/ --manual-title shipper --output man/shipper.1

guarantees: $(STAMP)  ## prove the promises and print the table; DEEP=1 sweeps every point, for an hour or more
	$(BIN)/python -m tests.guarantees $(if $(DEEP),--deep)

soak: $(STAMP)  ## a million events from 64 writers that die at random
	SHIPPER_SOAK_WRITERS=64 SHIPPER_SOAK_EVENTS=1000000 $(BIN)/python -m pytest -q tests/crash/test_soak.py

check: $(STAMP)  ## what a reviewer would run first: format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

strangers: $(STAMP)  ## real CLIs from PyPI, without shipper and with it: their own tests, and invocations byte for byte
	$(BIN)/python -m tests.strangers $(STRANGERS_ARGS)

bench: $(STAMP)  ## what recording costs a CLI, in pairs of processes; BENCH_PYTHON is the interpreter that is measured
	$(BIN)/python -m tests.bench.overhead --python $(or $(BENCH_PYTHON),$(BIN)/python) $(BENCH_ARGS)

instructions: $(STAMP)  ## (needs valgrind) what recording costs a CLI in instructions, which a busy machine does not change
	$(BIN)/python -m tests.bench.instructions --python $(or $(BENCH_PYTHON),$(BIN)/python) $(BENCH_ARGS)

bench-answers: $(STAMP)  ## what answers and inserts cost as a store grows; ANSWERS_ARGS="--events 10000000 --many 2000000" for the promises
	$(BIN)/python -m tests.bench.answers $(ANSWERS_ARGS)

peers: $(STAMP)  ## what recording costs and whether the event survives, beside other clients from PyPI, in the same run
	$(BIN)/python -m tests.bench.peers $(PEERS_ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
