# make run, make test: everything they need is installed first. `make help` lists the rest.
.PHONY: help run test lint bench clean setup format
.DEFAULT_GOAL := help
PYTHON_VENV := .venv/bin/python
ARGS ?=

help:
	@echo "make run     install what is missing, start the dashboard, print its address"
	@echo "make test    the whole suite; ARGS=\"-k payment\" narrows it"
	@echo "make lint    ruff, mypy and the layer rules"
	@echo "make format  let ruff put the code in its usual form"
	@echo "make bench   the figures of the budget table, beside stock pdfkit and COPY"
	@echo "make clean   remove what was installed here (not the data in instance/)"

run:
	@exec bin/bootstrap run $(ARGS)

test:
	@bin/bootstrap setup-test
	@exec $(PYTHON_VENV) -m pytest -n auto --dist worksteal $(ARGS)

lint:
	@bin/bootstrap setup-lint
	@exec bin/lint

format:
	@bin/bootstrap setup-lint
	@$(PYTHON_VENV) -m ruff check --fix-only --quiet .
	@$(PYTHON_VENV) -m ruff format .

bench:
	@bin/bootstrap setup-test
	@exec $(PYTHON_VENV) -m bench $(ARGS)

setup:
	@bin/bootstrap setup-test

clean:
	rm -rf .venv .venv.lock node_modules dashboard/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
