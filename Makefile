# `make run` and `make test` set up everything they need, in .venv and data; a second call starts at once.

VENV := .venv
PORT ?= 8400
DATA ?= data
# What to add to a command, as in: make test ARGS="-k objects"   make bench ARGS="--only csv --scale small"
ARGS ?=
PROCESSES ?= 3

# The first Python of at least 3.11; PYTHON=... names another.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.PHONY: run test bench soak torture lint clean

run: $(VENV)/run.stamp
	@exec $(VENV)/bin/douane serve --data $(DATA) --port $(PORT) $(ARGS)

# Three processes, each with servers of its own, on two cores: a third of the time of most tests is waiting, for a
# worker, a browser or a lease. A file stays in one, for what it sets up is often dear.
test: $(VENV)/test.stamp
	@$(VENV)/bin/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

bench: $(VENV)/test.stamp
	@$(VENV)/bin/python -m bench.run $(ARGS)

# Mixed work for SECONDS; ends with 1 where memory grows by more than 1 % an hour or descriptors are left open.
soak: $(VENV)/test.stamp
	@$(VENV)/bin/python -m bench.soak --seconds $(or $(SECONDS),7200) $(ARGS)

# The kill tests for as long as one likes; each round is one import, on both storage modes. Of a chat import, KILLS
# moments in one of MESSAGES messages. Of each reader of binary workbooks, MUTATIONS changed files; of the kernel under
# sanitizers, TEXTS random texts. Mended workbooks are saved by LibreOffice, where that is installed. Of each operation
# that OpenAPI describes, EXAMPLES calls; CALLS of strangers at what is not theirs.
torture: $(VENV)/test.stamp
	DOUANE_TORTURE_ROUNDS=$(or $(ROUNDS),50) DOUANE_TORTURE_SEED=$(or $(SEED),$$$$) \
	DOUANE_TORTURE_MESSAGES=$(or $(MESSAGES),200000) DOUANE_TORTURE_KILLS=$(or $(KILLS),20) \
	DOUANE_TORTURE_MUTATIONS=$(or $(MUTATIONS),100000) DOUANE_TORTURE_TEXTS=$(or $(TEXTS),1000000) \
	DOUANE_TORTURE_EXAMPLES=$(or $(EXAMPLES),40) DOUANE_TORTURE_CALLS=$(or $(CALLS),5000) \
	DOUANE_TORTURE_DAY_S=$(or $(DAY_S),180) \
		$(VENV)/bin/python -m pytest --timeout=7200 \
		tests/flow/test_kill.py tests/flow/test_dying.py tests/flow/test_deliveries_kill.py tests/destinations \
		tests/flow/chat/test_kills.py tests/jobs tests/sheet/formats/test_binary_fuzz.py \
		tests/sheet/formats/test_native_fuzz.py tests/test_clients.py tests/child/test_workbook.py \
		tests/web/test_openapi.py tests/web/test_access.py tests/web/test_races.py tests/flow/test_changing.py $(ARGS)

lint: $(VENV)/test.stamp
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Douane needs Python 3.11 or later; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Every package is pinned by its hash; then the project itself, built by what was just installed.
# That builds the kernel too, where there is a C compiler. What pip would compile one by one is compiled by all cores;
# not SymPy, the largest of them, of which moto loads nothing here. Some packages have files of other Pythons.
PIP_INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
COMPILE := $(VENV)/bin/python -m compileall -qq -j 0 -x '/sympy/' $(VENV)/lib || true
KERNEL := hatch_build.py $(wildcard douane/sheet/native/*.c douane/sheet/native/*.h)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml $(KERNEL) | $(VENV)/bin/python
	$(PIP_INSTALL) --no-compile --require-hashes -r requirements/run.txt
	@$(COMPILE)
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@$(VENV)/bin/python -m compileall -q douane
	@touch $@

$(VENV)/test.stamp: requirements/test.txt $(VENV)/run.stamp
	$(PIP_INSTALL) --no-compile --require-hashes -r requirements/test.txt
	@$(COMPILE)
	@touch $@
