# Set-up, demonstration and checks.  TORCH_INDEX=URL adds a package index, such as PyTorch's own for
# the build without CUDA.
PYTHON ?= python3
TORCH_INDEX ?=
INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX),)
STAMP := .venv/.installed

.PHONY: demo test lint types docs docs-activations witnesses nightly

demo: $(STAMP)
	.venv/bin/gradlemma check examples/digits_mlp.yaml --out report

test: $(STAMP)
	.venv/bin/python -m pytest -m "not nightly and not gpu" -n auto --dist worksteal

lint: $(STAMP)
	.venv/bin/ruff check .

types: $(STAMP)
	.venv/bin/pyright --pythonpath .venv/bin/python

docs: docs-activations
	.venv/bin/python -m gradlemma.list_page > docs/statements.md.partial
	mv docs/statements.md.partial docs/statements.md

docs-activations: $(STAMP)
	.venv/bin/python -m gradlemma.activations_page docs

witnesses: $(STAMP)
	.venv/bin/python -m gradlemma.witness_list > witnesses.py.partial
	mv witnesses.py.partial proofs/registry/witnesses.py

nightly: $(STAMP)
	GRADLEMMA_HYPOTHESIS=nightly .venv/bin/python -m pytest -m "not gpu"

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into .venv; only the first run does this."
	test -x .venv/bin/pip || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet $(INDEX) -c constraints.txt -e ".[dev]"
	touch $(STAMP)
