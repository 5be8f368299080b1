# The commands of this project; people and CI use the same ones. Bare `make` lists them.
# A command installs what it needs first, into .venv and var/ of this folder (scripts/setup).
# ARGS reaches the program behind a command: make logs ARGS="worker --follow"; make test-unit ARGS="-k outbox".

.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
# A shell's own settings must not decide what the project's interpreter imports.
unexport PYTHONPATH PYTHONHOME
ARGS :=

# Where root's clone is out of everybody else's reach, all of this happens in a copy (scripts/elsewhere).
GOALS := $(or $(MAKECMDGOALS),help)
COPY := $(if $(SBS_COPY_OF)$(filter help,$(GOALS)),,$(shell scripts/elsewhere where))

ifneq ($(COPY),)

.PHONY: $(GOALS) in-copy
$(GOALS): in-copy
	@:

in-copy:
	@echo "make: other users can't enter $(CURDIR): working in $(COPY)"
	@scripts/elsewhere into $(COPY)
	+@SBS_COPY_OF=$(CURDIR) $(MAKE) -C $(COPY) $(GOALS); code=$$?; \
	  scripts/elsewhere back $(COPY) && exit $$code
	@$(if $(filter clean,$(GOALS)),scripts/elsewhere drop $(COPY))

else

# scripts/setup has taken SBS_RESTIC into account and has made it reachable; its answer counts from then on.
RUN := env -u SBS_RESTIC scripts/run
PYTHON_CODE := protocol restic server agent demo scripts bench conftest.py $(if $(wildcard tests/*/*.py),tests)
# The platform of this checkout: beside an installed one, never in its way.
export SBS_DATA_DIR ?= $(CURDIR)/var/sbs
export PYTEST_ARGS := $(ARGS)

CHECKS := check-format check-lint check-types check-imports check-rules check-generated check-migrations

.PHONY: help setup web browser up down status logs demo check $(CHECKS) format \
        test test-all test-unit test-isolation test-faults test-e2e test-console test-web soak bench lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

setup: ## install what the other commands need (they do it themselves)
	@scripts/setup

web: setup ## build the console, if its sources have changed
	@scripts/web build

up: setup web ## start the platform on this machine; data in var/sbs
	@$(RUN) sbs up $(ARGS)

down: setup ## stop it
	@$(RUN) sbs down $(ARGS)

status: setup ## what runs, since when, on which port
	@$(RUN) sbs status $(ARGS)

logs: setup ## the end of its logs (ARGS="worker --follow")
	@$(RUN) sbs logs $(ARGS)

demo: setup web ## the main job for real: enrol an agent, back up, change, back up, restore, compare
	@$(RUN) python -m demo $(ARGS)

check: ## format, lint, types, imports, rules of our own, generated files, migrations
	+@$(MAKE) --keep-going $(CHECKS)

check-format: setup
	@$(RUN) ruff format --check $(PYTHON_CODE)

check-lint: setup
	@$(RUN) ruff check $(PYTHON_CODE)

check-types: setup
	@$(RUN) mypy $(PYTHON_CODE)

check-imports: setup
	@$(RUN) lint-imports --no-cache

check-rules: setup
	@$(RUN) python -m scripts.check_sizes
	@$(RUN) python -m scripts.check_rules
	@$(RUN) python -m scripts.check_dependencies

check-generated: setup
	@$(RUN) python scripts/openapi.py --check

check-migrations: setup
	@$(RUN) python -m scripts.check_migrations
	@$(RUN) pytest -q -m "not slow" server/tests/migrations

format: setup ## format the code
	@$(RUN) ruff check --quiet --fix-only --select I $(PYTHON_CODE)
	@$(RUN) ruff format $(PYTHON_CODE)

# Without one the console's tests fail and say so; the others can do without.
browser: setup
	-@scripts/get-browser

test: setup browser ## what CI runs: all suites without the slow tests; 25 minutes at most
	@scripts/test unit web isolation faults e2e console

test-all: setup browser ## everything, slow tests too
	@scripts/test --all unit web isolation faults e2e console

test-unit: setup ## the members' own tests, on real services (ARGS="-k name")
	@scripts/test --all unit

test-isolation: setup ## tenants can't see each other, as the database's roles
	@scripts/test --all isolation

test-faults: setup ## processes killed, networks cut, disks filled in the middle of backups and restores
	@scripts/test --all faults

test-e2e: setup ## the whole platform with an agent
	@scripts/test --all e2e

test-console: setup browser ## the console in a browser, on the whole platform with agents (needs Chromium)
	@scripts/test --all console

test-web: setup ## the console's own tests, its checks and its budget, and that its API client is not stale
	@scripts/test web

soak: setup ## MINUTES=30 of work by several agents with faults at random (SEED=n repeats), then verified
	@$(RUN) python -m tests.soak --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED)) $(ARGS)

NAME :=
bench: setup ## measure ours against the others (NAME=backup-overhead for one); writes bench/results
	@$(RUN) python -m pip -qq --disable-pip-version-check install --require-hashes -r requirements/bench.txt
	@$(RUN) python -m bench $(NAME) $(ARGS)

lock: setup ## write requirements/*.txt anew from requirements/*.in (ARGS=--upgrade)
	@scripts/lock $(ARGS)

clean: ## stop the platform; remove .venv, var (its data and backups too), the built console and caches
	@if [ -x .venv/bin/sbs ] && [ -d "$(SBS_DATA_DIR)" ]; then scripts/run sbs down; fi
	@rm -rf .venv var web/node_modules web/*/*/node_modules web/apps/*/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find protocol restic server agent demo scripts bench tests -name __pycache__ -prune -exec rm -rf {} +

endif
