# make run    installs Twofold into .venv, reads examples/ on the first run, opens the pages
# make test   installs what the tests need, then ruff, mypy, pytest
# make fix    lets ruff repair what it can
# make gpu    puts faiss-gpu in the place of faiss-cpu (both are the module `faiss`, so only one can be there)

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS ?= dev
QUIET := $(shell test -t 2 || echo --quiet)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install run test fix gpu clean
.DELETE_ON_ERROR:

install: $(VENV)/.installed

# A stamp is newer than pyproject.toml as long as nothing has to be installed again.
$(VENV)/.installed: pyproject.toml | $(VENV)/.made
	@echo "Installing Twofold into $(VENV); the first time takes some minutes ..."
	$(BIN)/python -m pip install $(QUIET) --editable .
	@touch $@

$(VENV)/.installed-$(EXTRAS): pyproject.toml | $(VENV)/.made
	@echo "Installing Twofold and what its tests need into $(VENV); the first time takes some minutes ..."
	$(BIN)/python -m pip install $(QUIET) --editable '.[$(EXTRAS)]'
	@touch $@ $(VENV)/.installed

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Twofold needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

run: install
	@$(BIN)/twofold app --first examples $(ARGS)

test: $(VENV)/.installed-$(EXTRAS)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest $(ARGS)

fix: $(VENV)/.installed-$(EXTRAS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

gpu: install
	$(BIN)/python -m pip install --quiet 'faiss-gpu>=1.15'
	$(BIN)/python -m pip uninstall --quiet --yes faiss-cpu
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps 'faiss-gpu>=1.15'
	@$(BIN)/python -c 'import faiss; print("faiss", faiss.__version__, "sees", faiss.get_num_gpus(), "GPU(s)")'

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
