# Everything sets itself up: `make run` and `make test` on a fresh machine create .venv, install, and go.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
# Real data beside the project, if they are there; phantoms and drawn images are used where they are not.
SHARED := $(wildcard ../shared/data)
export PRUNESCOPE_DATA ?= $(if $(SHARED),$(abspath $(SHARED)),$(CURDIR)/data)

.PHONY: run test lint format bench e2e clean

# Whoever starts the app like this is its only user, so all jobs are theirs; a server for many says nothing or 0.
run: export PRUNESCOPE_SINGLE_USER ?= 1
run: $(VENV)/.run
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: $(VENV)/.dev
	@sh tests/e2e/chromium.sh
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m pytest tests/test_architecture.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev
	@for file in bench/[a-z]*.py; do name=$$(basename $$file .py); echo "== $$name"; $(BIN)/python -m bench.$$name || exit 1; done

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache

# Each stamp is made only once its install has ended well, so an install that was cut off is done again.
$(VENV)/.run: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@ $(VENV)/.run
