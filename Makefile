# make run    the dashboard on the sample cohort (http://localhost:8501)
# make test   the gate: lint, format, types, tests
# Both set up .venv first where it is missing or the requirements have changed.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint clean
.DEFAULT_GOAL := run

$(BIN)/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed; this is ' + sys.version.split()[0])"
	$(PYTHON) -m venv .venv

.venv/runs: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

# What the tests need names what runs: both in one go.
.venv/tests: requirements-dev.txt requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch .venv/runs $@

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
