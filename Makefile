# parlab: `make run` answers the article's question on this machine, `make test` proves the program.
# Everything lives in .venv; PYTHON names the interpreter it is made with (3.11 or newer).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS   ?=

.PHONY: run test lab-test lint format secrets pictures clean

run: $(VENV)/.core  ## measure: threads or processes? (ARGS="smoke --json out.json" for something else)
	$(BIN)/parlab run $(ARGS)

# Much of a test's time is waiting: more files at a time than two processors. What is imported is compiled once,
# whatever the shell says of that: hundreds of interpreters are started.
test: $(VENV)/.dev  ## all tests, on a real server and real interpreters, four files at a time
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadfile $(ARGS)

lab-test: $(VENV)/.dev  ## the compose lab on a real Docker engine; leaves nothing behind
	$(BIN)/python -m pytest tests/lab --timeout 600 $(ARGS)

secrets:  ## make the lab's secrets now (docker compose up does it by itself)
	docker compose run --rm secrets

pictures: $(VENV)/.core  ## make README's pictures from the stored result (docs/report.md)
	$(BIN)/python -m benchmarks.pictures

lint: $(VENV)/.dev  ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev  ## rewrite the code as the linter wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what the targets above made
	rm -rf $(VENV) build src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "parlab needs Python 3.11 or newer; name one: make run PYTHON=python3.13" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.core: $(VENV)/.venv pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[report]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) install -c constraints.txt -e '.[lab,report,test,dev]'
	@touch $@
