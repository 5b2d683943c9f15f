# Five verbs (and a few slow ones). Everything runs from a clean clone with Python 3.11+ and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
PORT   ?= 8080

.PHONY: install install-dev serve demo check test bench soak fuzz clean help

help:
	@echo "make serve | demo | test | check | bench | soak | fuzz | install | clean"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=... chooses another)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements/build.txt requirements/semantic.txt pyproject.toml packages/minilm/pyproject.toml packages/pairmodel/pyproject.toml | $(BIN)/python
	$(PIP) install --no-deps --require-hashes -r requirements/build.txt
	$(PIP) install --no-deps --require-hashes -r requirements/semantic.txt
	$(PIP) install --no-deps --no-build-isolation ./packages/minilm ./packages/pairmodel
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt $(VENV)/.installed
	$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

serve: install
	$(BIN)/synthlang-router serve $(ARGS)

demo: install-dev
	$(BIN)/synthlang-router demo $(ARGS)

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install-dev
	$(BIN)/pytest -n 2 $(ARGS)

bench: install-dev
	$(BIN)/python benchmarks/gateway/interleave.py $(or $(ROUNDS),3) $(or $(SECS),3) nginx ours-bare ours ours-full
	$(BIN)/python benchmarks/growth.py
	@for bench in benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

soak: install-dev
	$(BIN)/pytest -m soak --timeout 1800 $(ARGS)

fuzz: install-dev
	$(BIN)/pytest -m fuzz --timeout 3600 $(ARGS)

clean:
	rm -rf $(VENV) build
