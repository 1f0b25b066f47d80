# Each target makes what it needs; `make demo` and `make test` work on a fresh checkout.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test bench lint schemas java clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kldrift needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[spark,dev]'
	@touch $@

java:
	@{ test -n "$$JAVA_HOME" && test -x "$$JAVA_HOME/bin/java"; } || command -v java >/dev/null || { echo "kldrift needs Java 17 or newer for Spark: install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME" >&2; exit 1; }

demo: java setup
	$(BIN)/kldrift demo --output demo

# The JSON schemas and the tables of docs/configuration.md, after a change of kldrift/config.
schemas: setup
	$(BIN)/python -m kldrift.config

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: java lint
	$(BIN)/pytest

bench: java setup
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) .bench-envs demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
