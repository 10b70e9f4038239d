# Repurchase. Needs Python >= 3.11 and make; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
UV := .venv-uv/bin/uv
FAULTS ?= -m faults
CHROMIUM ?= $(firstword $(wildcard /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome))
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format serve clean test-lab test-serving test-postgres test-spark test-faults test-browser test-contract bench-accuracy bench-worlds bench-features bench-plan bench-campaigns bench-products bench-rank bench-api

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.ready ## install everything into .venv (done by itself when needed)

demo: setup ## check, train and rank 23,570 real customers; prints what to type next
	@$(BIN)/repurchase demo --out demo

test: setup ## the tests, under 5 minutes; make check runs those of the laboratory, Spark … as well
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not lab and not postgres and not spark and not faults and not browser and not contract"

check: setup ## what CI runs: format, lint, types, import rules, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(MAKE) test
	$(MAKE) test-lab test-serving test-contract test-browser test-postgres test-spark
	$(MAKE) test-faults FAULTS="-n 2 --dist loadfile -m 'faults and not full'"

test-lab: setup ## the laboratory: backtests, generated worlds, tuning, the guided tour, long searches, running servers
	$(BIN)/pytest -q -n 2 --dist loadfile -m lab

test-serving: .venv-serving/.ready ## the server in an environment that has the serving group alone
	.venv-serving/bin/python -m tests.serving_alone

test-postgres: setup ## reading from a PostgreSQL server that the tests start
	@$(UV) sync --quiet --frozen --inexact --group postgres --python $(PYTHON)
	REPURCHASE_TEST_POSTGRES=1 $(BIN)/pytest -q -m postgres tests/features/reading tests/serving tests/repurchase

test-spark: .venv-spark/.ready ## features and rankings by Spark: local[2] and a standalone cluster that the tests start
	REPURCHASE_TEST_SPARK=1 .venv-spark/bin/pytest -q -m spark tests/features/spark tests/repurchase/test_rank_spark.py

test-contract: setup ## the OpenAPI document, held against the running service by schemathesis
	@$(UV) sync --quiet --frozen --inexact --group contract --python $(PYTHON)
	$(BIN)/pytest -q -m contract tests/contract

test-browser: setup ## the pages in Chromium (Debian: apt install chromium; elsewhere: make test-browser CHROMIUM=…)
	@test -x "$(CHROMIUM)" || { echo "There is no Chromium here. Install it, or name it: make test-browser CHROMIUM=/path"; exit 2; }
	@$(UV) sync --quiet --frozen --inexact --group browser --python $(PYTHON)
	CHROMIUM=$(CHROMIUM) $(BIN)/pytest -q -m browser tests/browser

test-faults: setup ## kill -9, full disks, damaged files, swaps, load: full counts, an hour (small ones are in make check)
	$(BIN)/pytest -q $(FAULTS) tests/faults tests/repurchase

serve: setup ## serve the demo's ranking on http://127.0.0.1:8000
	@$(BIN)/repurchase serve --store demo/ranking --model demo/model --keys demo/keys.json

bench-accuracy: setup ## accuracy against all peers on CDNOW, out of time; other orders: make bench-accuracy ORDERS=…
	$(BIN)/python -m experiments.bench_accuracy $(if $(ORDERS),--orders $(ORDERS)) $(ARGS)

bench-worlds: setup ## accuracy against the best possible answer, on generated customers whose law is known
	$(BIN)/python -m experiments.bench_worlds $(ARGS)

bench-features: setup ## features against DuckDB SQL and pandas; 100 M lines as well: make bench-features ARGS=--large
	$(BIN)/python -m experiments.bench_features $(ARGS)

bench-plan: setup ## the plan's optimiser: 1 M customers x 20 options, gap to the best possible; 10 M: ARGS=--large
	$(BIN)/python -m experiments.bench_plan $(ARGS)

bench-campaigns: setup ## what plans really earn where every effect is known, against top-k by score and value, 20 seeds
	$(BIN)/python -m experiments.bench_campaigns $(ARGS)

bench-products: setup ## next products against plain rules, out of time: make bench-products ORDERS=…
	$(BIN)/python -m experiments.bench_products $(ORDERS) $(ARGS)

bench-rank: setup ## the nightly ranking: 10 M lines to a published store, by stage; 100 M as well: make bench-rank ARGS=--large
	$(BIN)/python -m experiments.bench_rank $(ARGS)

bench-api: setup ## the service against a no-op endpoint and `mlflow models serve`, with wrk or oha
	$(BIN)/python -m experiments.bench_api $(ARGS)

format: setup ## format and sort imports
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean: ## remove environments and what the demo made
	rm -rf .venv .venv-uv .venv-serving .venv-spark demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Repurchase needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv .venv-uv && .venv-uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9' 

.venv/.ready: $(UV) pyproject.toml uv.lock
	@$(UV) sync --quiet --frozen --compile-bytecode --python $(PYTHON)
	@touch $@

.venv-serving/.ready: $(UV) pyproject.toml uv.lock
	@UV_PROJECT_ENVIRONMENT=.venv-serving $(UV) sync --quiet --frozen --only-group serving --python $(PYTHON)
	@touch $@

.venv-spark/.ready: $(UV) pyproject.toml uv.lock
	@UV_PROJECT_ENVIRONMENT=.venv-spark $(UV) sync --quiet --frozen --extra spark --compile-bytecode --python $(PYTHON)
	@touch $@
