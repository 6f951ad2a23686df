# Two commands for a newcomer: `make demo` and `make test`. Each makes the virtual environment it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The pure core: every branch of it is covered.
CORE := */quaybridge_sdk/mapping/*,*/quaybridge_sdk/model/*,*/quaybridge_sdk/plan.py,*/quaybridge_sdk/depth.py,*/quaybridge_sdk/record.py,*/quaybridge_sdk/effects.py
READY := $(VENV)/.ready

.PHONY: demo test coverage check lint types imports docs wheel bench matrix soak lock clean help

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## the bridge at work on embedded servers, in under 30 seconds
	$(BIN)/quaybridge demo

test: $(READY) ## the whole suite; five tests at a time: those of whole programs mostly wait
	$(BIN)/python -m pytest -n 5 --dist worksteal $(MEASURED)

coverage: MEASURED := --cov --cov-report=term:skip-covered --cov-fail-under=90
coverage: test ## the suite with its coverage
	$(BIN)/python -m coverage report --skip-covered --include='$(CORE)' --fail-under=100

check: lint types imports coverage docs wheel ## all that CI runs

lint: $(READY) ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy --strict
	$(BIN)/mypy

imports: $(READY) ## who may import whom
	$(BIN)/lint-imports

docs: $(READY) ## the documentation site, warnings are errors
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

wheel: $(READY) ## builds the wheel and imports it in an empty environment
	rm -rf dist build/wheel-check
	$(BIN)/python -m build --no-isolation --wheel --outdir dist . > /dev/null
	$(PYTHON) -m venv build/wheel-check
	build/wheel-check/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd build/wheel-check && bin/python -c "import quaybridge_sdk; print('imported', quaybridge_sdk.__name__)" && bin/quaybridge --version

bench: $(READY) ## the figures of the documentation, measured on this machine
	$(BIN)/python -m benchmarks

matrix: $(READY) ## every fault at every call of the bridge, on both sides: half an hour on two processors
	$(BIN)/python -m tests.faults

soak: $(READY) ## half an hour of namespaces, builds, faults and kills at random, and a checker that compares both sides at the end
	$(BIN)/python -m tests.soak

lock: ## makes requirements/dev.txt anew; needs uv
	uv pip compile --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group dev --group docs --group build \
	  pyproject.toml -o requirements/dev.txt --upgrade

clean: ## removes everything that was made here
	rm -rf $(VENV) dist build docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*
