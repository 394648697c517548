# Two commands are enough on a fresh machine with git, make and Python >= 3.11 with venv: `make demo` and `make test`.
# Everything is installed into .venv from the hash-pinned lock; pip and uv take indexes, proxies and caches from their
# own settings and environment. `make help` lists the targets.

VENV ?= .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.lock
STAMP := $(VENV)/.installed
ARGS ?=
SCENARIO ?= list
OUT ?=

PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python3.14; do \
	"$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$name"; break; }; done)

# --no-header and --no-emit-index-url keep machine paths and index addresses out of the locks.
COMPILE := $(BIN)/uv pip compile --quiet pyproject.toml --generate-hashes --no-header --no-emit-index-url --no-annotate \
	--python-version 3.11 --universal

.DELETE_ON_ERROR:
.PHONY: help demo demo-learning learning test check test-live bench lab accuracy docs lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: $(STAMP) ## investigate the bundled recorded incident: no key, no network
	@$(BIN)/culprit demo $(ARGS)

demo-learning: $(STAMP) ## wrong, corrected, learned, right: the loop closed on recorded incidents, no key, no network
	@$(BIN)/python -m triggers.demo_learning $(ARGS)

learning: $(STAMP) ## replay streams of incidents with memory off, on, shuffled and wrongly taught; writes docs/learning.md
	$(BIN)/culprit eval stream --doc docs/learning.md $(ARGS)

test: $(STAMP) ## every test that needs nothing but Python
	$(BIN)/python -m pytest $(ARGS)

check: $(STAMP) ## style, types, import directions, house rules, documents
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/house $(ARGS)

test-live: $(STAMP) ## tests against real Prometheus, Alertmanager, Docker, PostgreSQL: Linux, root
	$(BIN)/python -m pytest -m live -rs $(ARGS)

bench: $(STAMP) ## how fast the hot parts are on this machine, beside a real Prometheus and the raw engines (Linux)
	$(BIN)/python -m evals.bench $(ARGS)
	$(BIN)/python -m evals.bench.promql
	$(BIN)/python -m evals.bench.big_snapshot
	$(BIN)/python -m evals.bench.tokens
	$(BIN)/python -m tests.bench.anomalies
	$(BIN)/python -m tests.bench.queue
	$(BIN)/python -m evals.bench.recall
	$(BIN)/python -m tests.bench.live_latency  # seven minutes in the lab; says so where it cannot run (needs root)

lab: $(STAMP) ## record a case in real containers: SCENARIO=… OUT=… (Linux, root); without them, list the scenarios
	$(BIN)/python -m evals.lab $(SCENARIO) $(if $(OUT),--out $(OUT)) $(ARGS)

accuracy: $(STAMP) ## run every episode (half an hour, goes on where it stopped) and write docs/accuracy.md
	$(BIN)/culprit eval run evals --episodes evals/episodes.txt --jobs 2 $(ARGS)
	$(BIN)/culprit eval report --out docs/accuracy.md

docs: $(STAMP) ## write docs/cli.md, docs/settings.md and the table of losses from the code
	$(BIN)/python -m tests.house.references

lock: $(STAMP) ## resolve the dependencies of pyproject.toml into the hash-pinned locks
	$(COMPILE) -o requirements.lock
	$(COMPILE) --all-extras -o requirements-dev.lock

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv itself comes from the lock too, so that not even the installer is unpinned. The package is installed last, without
# build isolation and without dependencies: both would go past the lock.
$(STAMP): $(LOCK) pyproject.toml
	@test -n "$(PYTHON)" || { echo "culprit needs Python 3.11 or newer with the venv module (on Debian: apt-get install python3-venv); set PYTHON=… to name one." >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(VENV) holds a Python older than 3.11: make clean, then try again." >&2; exit 1; }
	@test -x $(BIN)/uv || { awk '/^uv==/ { found = 1 } found { print } found && !/\\$$/ { exit }' $(LOCK) > $(VENV)/uv.txt && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt; }
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes $(LOCK)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --no-index -e .
	$(BIN)/python -m compileall -q agent config evals tools triggers
	@touch $@
