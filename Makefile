# Every target stands on a virtual environment in .venv, made anew only when a pinned requirement changes.
# PYTHON=/path/to/python chooses the interpreter; scripts/venv says what it looks for otherwise.

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-train lint fix docs bench faults fuzz soak
PIP := .venv/bin/python -m pip install --quiet
PARALLEL ?= --numprocesses auto --maxprocesses 4 --dist worksteal # brokers and agents of four at once suffice

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.installed-demo ## first alarm in a minute, with a broker of its own; DATA=folder replays recorded data
	.venv/bin/edge-agent demo $(if $(DATA),--data "$(DATA)")

test: lint ## lint, then all tests but training and the long ones; core/ must be covered to the last branch
	scripts/test-tools
	.venv/bin/python -m pytest -m "not train and not long" $(PARALLEL) --cov --cov-report=term
	.venv/bin/coverage report --include='edge_agent/core/*' --fail-under=100

test-long: .venv/.installed-dev ## floods, and the broken agents and brokers of the oracle: minutes
	scripts/test-tools long
	.venv/bin/python -m pytest -m "long and not train"

faults: .venv/.installed-dev ## kill agent and broker 1,000 times (CYCLES=, SEED=) and judge by an oracle what was lost
	scripts/test-tools
	.venv/bin/python -m tests.faults $(if $(CYCLES),--cycles $(CYCLES)) $(if $(SEED),--seed $(SEED))

fuzz: .venv/.installed-dev ## a million messages that no sender should send (INPUTS=, SEED=): an answer to each?
	.venv/bin/python -m tests.fuzz $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED))

test-train: .venv/.installed-train ## types and tests of training (installs torch)
	.venv/bin/mypy
	.venv/bin/python -m pytest -m train

lint: .venv/.installed-dev ## ruff, mypy, import contracts, shellcheck, generated docs
	scripts/lint

fix: .venv/.installed-dev ## what ruff can mend by itself
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: .venv/.installed-dev ## write the generated parts of the documentation anew
	.venv/bin/cog -r README.md docs/*.md
	.venv/bin/python docs/contract.py

bench: .venv/.installed-dev ## speed, memory and start-up on this computer
	.venv/bin/python -m bench

soak: .venv/.installed-dev ## an hour against a broker that restarts (MINUTES=): does memory, files, threads or disk grow?
	.venv/bin/python -m bench.soak $(if $(MINUTES),--minutes $(MINUTES))

.venv/.installed-train: requirements/train.txt requirements/torch.txt | .venv/.installed-dev
	$(PIP) --no-deps --require-hashes -r requirements/train.txt
	$(PIP) -r requirements/torch.txt
	touch $@

.venv/.installed-%: requirements/%.txt requirements/build.txt pyproject.toml
	scripts/venv
	$(PIP) --no-deps --require-hashes -r requirements/build.txt -r $<
	PYTHONWARNINGS=ignore $(PIP) --no-deps --no-build-isolation --editable . && touch $@
