# Every task of the project is a verb here; `make help` lists them.
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help demo setup test ci lint types schemas docs lock sim bench verify clean

help: ## list every verb with one line each
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# Two hash-locked files: what a running gbike needs, and the same with the tools of its developers.
.venv/.run: requirements.lock pyproject.toml
	test -x $(PY) || python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.run requirements-dev.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

setup: .venv/.dev ## make .venv from the hash-locked files

demo: .venv/.run ## everything in one process on http://127.0.0.1:8088, open, with a small fleet
	$(PY) -m gbike demo

test: .venv/.dev ## every test; what needs a missing tool is skipped by name
	$(PY) -m pytest

lint: .venv/.dev ## ruff and mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

schemas: .venv/.dev ## generate schemas/ and docs/events.md anew from the code
	$(PY) -m gbike.app.schemas

lock: ## resolve the two lock files anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra build pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
