# Everything that one types. Needs make and Python >= 3.11 with venv; the rest comes into .venv.
#   make lab ARGS=--no-browser    options for JupyterLab
#   make test PYTEST=-x           options for pytest
#   make test FULL=1              what CI runs: more cases, stored outputs, a browser

PYTHON_IN_VENV := .venv/bin/python
NOTEBOOKS := $(wildcard notebooks/*.ipynb solutions/*.ipynb)
START := notebooks/00_start_here.ipynb
# JupyterLab refuses to run as root (containers, CI) unless told.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
WORKERS ?= 2
CELL_SECONDS ?= 180

.PHONY: help lab test smoke soak lint bench guests exercises notebooks doctor clean distclean

help:
	@echo "make lab      open the course in JupyterLab"
	@echo "make test     check everything: style, types, tests, notebooks (FULL=1: as CI does)"
	@echo "make soak     try the random tests for hours"
	@echo "make bench    measure the machine against its peers"
	@echo "make guests   rebuild the guest programs"
	@echo "make exercises  write exercises/ from solutions/"
	@echo "make notebooks  run the notebooks and store their outputs"
	@echo "make doctor   show what this host offers"
	@echo "make clean    remove caches and build results (distclean: .venv too)"

lab:
	@sh scripts/venv.sh lab
	@# The stored pictures of our own notebooks show before they are run only where trusted.
	@$(PYTHON_IN_VENV) -m jupyter trust $(wildcard notebooks/*.ipynb solutions/*.ipynb) >/dev/null
	@# Compiled here, once for a host: in a notebook's first cell this would take silent seconds.
	@$(PYTHON_IN_VENV) -m minihv run hello --mode trap </dev/null >/dev/null || true
	@exec $(PYTHON_IN_VENV) -m jupyterlab $(AS_ROOT) --ServerApp.root_dir="$(CURDIR)" \
		--LabApp.default_url=/lab/tree/$(START) $(ARGS)

# One pytest run for tests and notebooks, so that its summary is the last line. A worker that dies
# is not replaced: xdist would give the test that ended it to the next one, and so on.
RUN_PYTEST = PYTHONHASHSEED=0 $(PYTHON_IN_VENV) -m pytest -n $(WORKERS) --dist loadscope \
	--max-worker-restart=0 -q -rs

test: export MINIHV_TIER := $(if $(FULL),full,small)
test: export MINIHV_REQUIRE_BROWSER := $(if $(FULL),1,$(MINIHV_REQUIRE_BROWSER))
test: lint
	@MINIHV_PATIENCE=3 $(RUN_PYTEST) \
		--nbval-lax --nbval-current-env --nbval-cell-timeout=$(CELL_SECONDS) \
		$(PYTEST) tests $(NOTEBOOKS)

# What must hold on every Python that we serve: imports, engines that agree, the first chapter.
smoke:
	@sh scripts/venv.sh lab
	@$(PYTHON_IN_VENV) -m pytest -q --nbval-lax --nbval-current-env \
		tests/project/test_elsewhere.py tests/hw/test_engines.py::test_random_code $(START)

# The tests whose number of cases depends on the tier.
soak: export MINIHV_TIER := soak
soak:
	@sh scripts/venv.sh test
	@$(RUN_PYTEST) -o faulthandler_timeout=0 \
		$(PYTEST) $$(grep -rlE "^from tests.tiers import" --include="test_*.py" tests)

lint:
	@sh scripts/venv.sh test
	@$(PYTHON_IN_VENV) -m ruff check --quiet .
	@$(PYTHON_IN_VENV) -m mypy --no-error-summary
	@$(PYTHON_IN_VENV) -m tests.project.house

bench:
	@sh scripts/venv.sh bench
	@$(PYTHON_IN_VENV) -m minihv bench $(ARGS)

guests:
	@sh scripts/venv.sh guests
	@$(PYTHON_IN_VENV) -m minihv.guests.build $(ARGS)

exercises:
	@sh scripts/venv.sh lab
	@$(PYTHON_IN_VENV) -m minihv.course.books.generate

notebooks:
	@sh scripts/venv.sh lab
	@$(PYTHON_IN_VENV) -m minihv.course.books.store $(ARGS)

doctor:
	@sh scripts/venv.sh lab
	@$(PYTHON_IN_VENV) -m minihv doctor

clean:
	rm -rf build dist screenshots .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
	find minihv tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .venv.lock
