# make run    the dashboard on the sample cohort (http://localhost:8501)
# make test   the gate: lint, format, types, tests
# Both set up .venv first where it is missing or the requirements have changed.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint clean
.DEFAULT_GOAL := run

.venv/runs: requirements.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed; this is ' + sys.version.split()[0])"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/tests: requirements-dev.txt .venv/runs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

run: .venv/runs
	$(BIN)/python -m streamlit run app.py

lint: .venv/tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy fundus_core

test: lint
	$(BIN)/python -m pytest

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
