# Every target makes what it needs: a virtual environment under .venv, from the package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

# Programs of a release, apart from those of development: an environment that a release checks is not the one it uses.
RELEASE := .venv-release
RELEASE_STAMP := $(RELEASE)/.installed

# Tests start swarm in hundreds of processes, and each would compile its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: docs dist sbom advisories demo test sweep matrix agents soak soak-tests coverage lint bench browser generate clean help

help:
	@echo "make demo   install, then audit, amend, merge, verify and promote third-party code"
	@echo "make test   install, then run the tests"
	@echo "make sweep  every breakage with every verb, the hostile corpus, races"
	@echo "make matrix kill every verb at each point that leaves another state, call it again, and compare the ends"
	@echo "make agents real coding agents, installed from their registries, against a model that plays a script"
	@echo "make browser the served page in headless Chromium, where there is one"
	@echo "make soak   for an hour or two: kills at every point and at random, races, sixteen processes, 1,000 rounds"
	@echo "make coverage which lines of swarm/ no test passes"
	@echo "make lint   ruff, mypy --strict, and names that nothing uses"
	@echo "make docs   the site of the documentation, in site/, with every link checked"
	@echo "make dist   sdist and wheel of HEAD, built twice alike, checked, and installed by pip, pipx and uv"
	@echo "make sbom   bill of materials (CycloneDX) of an installation, and its licences"
	@echo "make advisories known vulnerabilities of an installation; needs PyPI's JSON interface"
	@echo "make bench  one JSON line a figure"

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[analyzers,dev]' 2>&1 | grep -v '^WARNING: Location' || true
	$(BIN)/swarm --version >/dev/null
	@touch $@

demo: $(STAMP)
	@$(BIN)/python tools/demo.py
	@$(BIN)/python tools/demo_loop.py

test: $(STAMP)
	$(PYTEST) -m "not soak and not sweep and not agents and not browser" $(PYTEST_ARGS)

sweep: $(STAMP)
	$(PYTEST) -m "sweep and not soak and not agents" $(PYTEST_ARGS)

matrix: $(STAMP)
	@$(BIN)/python soak/kill_matrix.py $(SOAK_ARGS)
	@$(BIN)/python soak/coordinator_kills.py

agents: $(STAMP)
	$(PYTEST) -m agents tests/agents $(PYTEST_ARGS)

browser: $(STAMP)
	$(PYTEST) -m browser tests/browser $(PYTEST_ARGS)

soak: soak-tests
	@$(BIN)/python soak/run.py $(SOAK_ARGS)

soak-tests: $(STAMP)
	$(PYTEST) -m soak $(PYTEST_ARGS)

coverage: $(STAMP)
	$(PYTEST) -m "not soak and not agents" --cov=swarm --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/unused.py

$(RELEASE_STAMP): pyproject.toml
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[release]' 2>&1 | grep -v '^WARNING: Location' || true
	$(RELEASE)/bin/twine --version >/dev/null
	@touch $@

dist: $(RELEASE_STAMP)
	@$(RELEASE)/bin/python tools/dist.py $(DIST_ARGS)

sbom: $(RELEASE_STAMP)
	@$(RELEASE)/bin/python tools/supply_chain.py sbom

advisories: $(RELEASE_STAMP)
	@$(RELEASE)/bin/python tools/supply_chain.py advisories

docs: $(STAMP)
	@$(BIN)/python tools/site.py

generate: $(STAMP)
	$(BIN)/python tools/generate.py

bench: $(STAMP)
	@$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

clean:
	rm -rf $(VENV) $(RELEASE) build dist site .cache .pytest_cache .mypy_cache .ruff_cache
