# The project's commands. `make demo` and `make test` are the two to begin with; each sets up all that it needs.
# A fresh Debian 12 machine with python3 (3.11 or newer), python3-venv, git and make is enough.
# PYTHON=python3.12 chooses another interpreter, OUT=dir another folder for the demo.

PYTHON ?= python3
OUT ?= .demo
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TRAIN_INSTALLED := $(VENV)/.installed-train
VLLM_INSTALLED := .venv-vllm/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
VLLM_TEST := tests/integration/test_vllm.py

.PHONY: help install demo test test-parts test-whole test-vllm vllm check format lock lock-images pictures clean debian

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## the virtual environment in .venv

demo: $(INSTALLED) ## repairs a misspelt sign in a real photograph and prints where the report lies
	$(BIN)/retoucher demo --out $(OUT)

# Two runs, so that `make -j` does them at once: the second one mostly waits for processes that it starts and kills.
test: test-parts test-whole $(if $(wildcard $(VLLM_INSTALLED)),test-vllm) ## every test

test-parts: $(TRAIN_INSTALLED) debian
	$(BIN)/python -m pytest tests/unit tests/contract

test-whole: $(TRAIN_INSTALLED) debian
	$(BIN)/python -m pytest tests/integration tests/e2e --ignore $(VLLM_TEST)

test-vllm: $(TRAIN_INSTALLED) $(VLLM_INSTALLED) ## `retouch` against a real vLLM; installs it
	$(BIN)/python -m pytest $(VLLM_TEST)

vllm: $(VLLM_INSTALLED) ## vLLM on this machine's CPU, in .venv-vllm: 2.5 GB; `make test` then tries it, too

check: $(TRAIN_INSTALLED) ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(INSTALLED) ## puts the code into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(INSTALLED) ## resolves pyproject.toml anew and writes deploy/constraints/*.txt
	$(BIN)/python deploy/constraints/lock.py

lock-images: $(TRAIN_INSTALLED) ## the part of it that each container image needs, into deploy/constraints/image-*.txt
	$(BIN)/python deploy/constraints/images.py

pictures: demo ## the pictures of the README and of the page, from the demo's results
	$(BIN)/python docs/pictures.py $(OUT)
	$(BIN)/python docs/page_examples.py $(OUT)

clean: ## removes what the other targets made
	rm -rf $(VENV) .venv-vllm .demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find services shared tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --no-deps: the lock is complete, and pip must not resolve it anew. rapidocr-onnxruntime asks for opencv-python, whose
# wheel needs libGL and a display server's libraries; the lock has opencv-python-headless in its place, the same module
# without windows. With both installed they would overwrite each other's files.
$(INSTALLED): pyproject.toml shared/client/pyproject.toml deploy/constraints/dev.txt
	@sh deploy/need-python.sh "$(PYTHON)"
	@echo "setting up $(VENV)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps -r deploy/constraints/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e . -e shared/client
	@touch $@

# torch and what trains with it: large, and not needed to run `retouch`. With its dependencies, for a CUDA build of torch
# brings its own libraries as packages; an index that has the CPU build is chosen by pip's own settings.
$(TRAIN_INSTALLED): $(INSTALLED) deploy/constraints/train.txt
	$(BIN)/python -m pip install --quiet -r deploy/constraints/train.txt
	@touch $@

# An environment of its own, as in production: vLLM wants other versions than training. torch first and with what it needs;
# the rest is a complete lock.
$(VLLM_INSTALLED): deploy/vllm/requirements-cpu.txt
	@sh deploy/need-python.sh "$(PYTHON)"
	@sh deploy/debian-packages.sh libnuma1
	test -x .venv-vllm/bin/python || $(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet torch==2.13.0
	.venv-vllm/bin/python -m pip install --quiet --no-deps -r deploy/vllm/requirements-cpu.txt
	@touch $@

# tesseract is the independent reader of the evaluation and of some tests; the drawings of the benchmark need libEGL;
# tests of the distributed parts start redis-server themselves, those of the page drive chromium.
debian:
	@sh deploy/debian-packages.sh tesseract-ocr libegl1 libgl1 redis-server chromium curl
