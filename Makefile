# make demo    build the demo company's store, score its deals (a minute or two, once), make a report for every team
# make test    every check; make check: the quick ones; make browser, make mailserver: what some tests need
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench gallery browser mailserver lock clean
.DELETE_ON_ERROR:

demo: $(READY)
	$(BIN)/spm demo

test: check
	$(BIN)/python -m pytest -n auto --dist loadscope tests
	$(BIN)/python -m pytest --nbval-lax notebooks

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# Takes the pictures of README and docs/ anew, from the demo company.
gallery: $(READY)
	$(BIN)/python docs/gallery.py

# Chromium for the tests in tests/browser, from the system's packages; without it they skip and say so.
browser:
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then exit 0; fi; \
	command -v apt-get >/dev/null || { echo "No Chromium here, and no apt-get to install it: install it by hand"; exit 1; }; \
	echo "No Chromium here: installing it from the system's packages"; \
	if [ "$$(id -u)" -eq 0 ]; then sudo=; else sudo=sudo; fi; \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core

# OpenSMTPD for the one test that sends through a mail server of Debian's; without it, or not as root, that test skips.
mailserver:
	@if test -x /usr/sbin/smtpd; then exit 0; fi; \
	command -v apt-get >/dev/null || { echo "No OpenSMTPD here, and no apt-get to install it"; exit 1; }; \
	if [ "$$(id -u)" -eq 0 ]; then sudo=; else sudo=sudo; fi; \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends opensmtpd

# Pins what is installed now; run it after changing pyproject.toml.
lock: $(READY)
	$(BIN)/python -m pip check
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
