# Each target makes what it needs; `make demo` and `make test` work on a fresh checkout.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VERSIONS := 3.5 4.0 4.1 newest
# Modules are compiled when they are first imported, and kept: half of what pip compiles is never
# imported here, and each process of a test would compile the package again.
PIP := pip install --quiet --disable-pip-version-check --no-compile
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo unit test matrix bench fuzz lint schemas docs java clean
.PRECIOUS: .matrix/%/.installed

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kldrift needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP) -c constraints.txt -e '.[spark,dev]'
	@touch $@

java:
	@{ test -n "$$JAVA_HOME" && test -x "$$JAVA_HOME/bin/java"; } || command -v java >/dev/null || { echo "kldrift needs Java 17 or newer for Spark: install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME" >&2; exit 1; }

demo: java setup
	$(BIN)/kldrift demo --output demo

# The JSON schemas and the tables of docs/configuration.md, after a change of kldrift/config.
schemas: setup
	$(BIN)/python -m kldrift.config

# The picture of the README: the first screen of the demo's report.
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
docs: java setup
	@test -n "$(CHROMIUM)" || { echo "make docs takes the picture of the report with Chromium: install it (Debian: apt-get install chromium)" >&2; exit 1; }
	test -e demo/drift/report.html || $(BIN)/kldrift demo --output demo
	sed 's#$(CURDIR)/##g' demo/drift/report.html > demo/picture.html
	$(CHROMIUM) --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1100,820 --screenshot=docs/report.png file://$(CURDIR)/demo/picture.html

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers 2

# Without Java, and in less than two minutes on two cores.
unit: setup
	$(BIN)/pytest -n 2 --dist worksteal tests/unit

# Everything in two processes: what needs no session of Spark, then the rest.
test: java lint
	$(BIN)/pytest -n 2 --dist worksteal -m "not spark"
	$(BIN)/pytest -n 2 --dist loadfile -m spark tests/spark

# The tests of Spark on each version that is supported, with and without ANSI mode, and on Spark
# Connect where the version brings its server.
matrix: $(addprefix matrix-,$(VERSIONS))

matrix-%: java .matrix/%/.installed
	KLDRIFT_TEST_ANSI=true .matrix/$*/bin/pytest -m spark tests/spark
	KLDRIFT_TEST_ANSI=false .matrix/$*/bin/pytest -m spark tests/spark
	test -z "$$(find .matrix/$* -name 'spark-connect_*.jar')" || KLDRIFT_TEST_CONNECT=true .matrix/$*/bin/pytest -m spark tests/spark

# What a version needs otherwise stands in its own file and replaces lines of constraints.txt.
.matrix/%/.installed: tests/matrix/%.txt pyproject.toml constraints.txt
	$(PYTHON) -m venv .matrix/$*
	awk -F'[=<>]+' 'NR == FNR {own[$$1]; print; next} !($$1 in own)' $< constraints.txt > .matrix/$*/constraints.txt
	.matrix/$*/bin/$(PIP) -c .matrix/$*/constraints.txt -e '.[spark,dev]'
	@touch $@

# Random tables, files, damage and configurations, for so many seconds; a failure names its seed.
fuzz: SECONDS ?= 300
fuzz: SEED ?= 0
fuzz: setup
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --seed $(SEED)

bench: java setup
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) .matrix .bench-envs demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
