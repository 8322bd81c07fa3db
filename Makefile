# Two commands for a fresh machine: `make run` enlarges the real test image, `make test` runs every check.
PYTHON ?= python3
VENV := .venv

.PHONY: run test

run: $(VENV)/.run
	$(VENV)/bin/python run_ZSSR.py X2_REAL_CONF --seed 0

test: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/tach check
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install -r requirements.txt
	touch $@

$(VENV)/.test: requirements.txt requirements-formats.txt requirements-cluster.txt requirements-dev.txt | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install -r requirements-dev.txt
	touch $@
