# make demo    build the demo company's store and a report for every team
# make test    every check; make check: the quick ones
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench lock clean
.DELETE_ON_ERROR:

demo: $(READY)
	$(BIN)/spm demo

test: check
	$(BIN)/python -m pytest -n auto tests
	$(BIN)/python -m pytest --nbval-lax notebooks

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# Pins what is installed now; run it after changing pyproject.toml.
lock: $(READY)
	@{ echo "# Pins for every Python from 3.11 on; made by: make lock"; $(BIN)/python -m pip freeze --exclude-editable --exclude pip; } > requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
