# Two commands matter: `make demo` shows what Verifrag does, `make test` checks all of it.
# Both set up .venv first; the second time that takes no noticeable time.

# The PyTorch to install. On Linux the package index may serve a CUDA build of several gigabytes;
# to choose another one: make demo TORCH="torch==2.13.0 --index-url <a CPU-only index>".
TORCH ?= torch==2.13.0

PYTHON_IN_VENV := .venv/bin/python
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test fast editors lint clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make .venv and install everything into it

$(READY): pyproject.toml scripts/setup.sh
	@TORCH="$(TORCH)" bash scripts/setup.sh
	@touch $@

demo: $(READY) ## run the language server on the example project and show what it does
	@bash scripts/tools.sh iverilog
	@$(PYTHON_IN_VENV) -m demo

# VS Code (code-server and Chromium) is installed by its tests; without a network they are skipped and say so.
test: $(READY) ## lint, then every test
	@bash scripts/tools.sh iverilog nvim bwrap emacs g++
	@$(MAKE) --no-print-directory lint
	$(PYTHON_IN_VENV) -m pytest -q

fast: $(READY) ## the quick tests, on all cores: about two minutes on two
	@bash scripts/tools.sh iverilog nvim bwrap g++
	$(PYTHON_IN_VENV) -m pytest -q -n auto -m "not slow"

editors: $(READY) ## only the tests in real editors: VS Code, Neovim, Emacs
	@bash scripts/tools.sh iverilog nvim bwrap emacs
	$(PYTHON_IN_VENV) -m pytest -q tests/e2e/vscode tests/e2e/test_neovim.py tests/e2e/test_emacs.py

lint: $(READY) ## ruff: rules and formatting
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .

clean: ## back to a fresh clone: remove .venv, caches and build output (keeps runs/)
	rm -rf .venv .pytest_cache .ruff_cache build dist *.egg-info
	rm -rf vscode-client/node_modules vscode-client/dist vscode-client/*.vsix
	find . -name __pycache__ -type d -not -path './runs/*' -prune -exec rm -rf {} +
