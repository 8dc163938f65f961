# Every target first makes what it needs: `make demo` the run-time packages only, the others the development ones too.
#   make demo TORCH_INDEX=<url of a package index>   # take torch from there (a CPU-only build, say)
VENV   ?= .venv
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p && break; done)
BIN    := $(VENV)/bin
PIP     = $(BIN)/python -m pip --disable-pip-version-check -qq install -c constraints.txt
JOBS   ?= auto
PORT   ?= 8866
THEME  ?= light
MODEL  ?=
OPEN   ?=
export TOKENIZERS_PARALLELISM := false

help:
	@echo "make demo     install what the library needs and run the main job on the built-in model"
	@echo "make test     the whole suite, generated from the notebooks"
	@echo "make docs     the site, in docs/_site"
	@echo "make lab      JupyterLab on the tutorials and all other notebooks"
	@echo "make app      the apps as a page on this machine: make app MODEL=gpt2 THEME=dark PORT=8866"
	@echo "make sync     export modules, clean notebooks, write tests and README.md after a change of notebooks"
	@echo "make check    fail when make sync would change a file, or ruff finds an error"
	@echo "make run      run notebooks in place and save their outputs: make run NB=nbs/core/02_lm.ipynb"
	@echo "make mutate   break every exported function in turn; the suite must notice"
	@echo "make atlas    train the built-in models from nothing"
	@echo "make bench    measure what BENCHMARKS and the README state"
	@echo "make clean    remove what was built, .venv too"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: settings.ini setup.py constraints.txt | $(BIN)/python
	@echo "installing the run-time packages into $(VENV): a minute or two, torch is the largest"
	@$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "installing the development packages into $(VENV)"
	@$(PIP) -e '.[dev]'
	@touch $@

demo: $(VENV)/.run
	@$(BIN)/edit_nb_demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest tests -n $(JOBS) --maxprocesses 8 --dist loadfile --durations 15

docs: $(VENV)/.dev
	$(BIN)/python docs/build.py

lab: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m jupyterlab --notebook-dir nbs --ServerApp.ip=127.0.0.1 --LabApp.default_url=/lab/tree/tutorials $(OPEN)

app: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" JUPYTER_PATH="$(CURDIR)/docs/voila" EDIT_NB_MODEL="$(MODEL)" $(BIN)/python -m voila nbs/apps.ipynb --template=edit_nb --theme=$(THEME) --Voila.ip=127.0.0.1 --port=$(PORT) \
		--VoilaConfiguration.extension_denylist="['jupyterlab-jupytext', '@voila-dashboards/jupyterlab-preview']" $(OPEN)

sync: $(VENV)/.dev
	$(BIN)/python tests/sync.py

check: $(VENV)/.dev
	$(BIN)/python tests/sync.py --check
	$(BIN)/ruff check -q --output-format concise --config .ci/ruff.toml nbs edit_nb tests docs setup.py

mutate: $(VENV)/.dev
	$(BIN)/python tests/mutate.py

atlas: $(VENV)/.dev
	$(BIN)/python -m edit_nb.core.atlas_train

run: $(VENV)/.dev
	$(BIN)/python tests/execute.py $(NB)

bench: $(VENV)/.dev
	$(if $(wildcard nbs/benchmarks/*.ipynb),$(BIN)/python tests/execute.py $(wildcard nbs/benchmarks/*.ipynb),@echo "no notebooks in nbs/benchmarks")

clean:
	rm -rf $(VENV) _proc docs/_site build dist *.egg-info
	find edit_nb tests docs nbs -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help demo test docs lab app sync check run mutate atlas bench clean
