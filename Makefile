# Everything a checkout can do: `make help`. `make run` and `make test` make their own virtual environment.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
# The first of these that is 3.11 or newer; `make PYTHON=/path/to/python3` chooses another.
PYTHON ?=
JOBS ?= 2
PYTEST_ARGS ?=
BENCH_ARGS ?=
STEADY_ARGS ?=
SOAK_ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.runs ## The demo: sign in, and see what an app behind the gateway is told
	@exec $(BIN)/gateway demo

.PHONY: test
test: $(VENV)/.tests browser node haproxy ## All tests, against real servers and a real browser; what is skipped is listed at the end
	$(BIN)/pytest -n $(JOBS) $(PYTEST_ARGS)

.PHONY: lint
lint: $(VENV)/.tests ## Style: ruff, check and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(VENV)/.tests ## Types: mypy --strict
	$(BIN)/mypy --strict gateway

.PHONY: bench
bench: $(VENV)/.tests ## Side by side with nginx, Caddy and others; BENCH_ARGS="--quick --mode rotating" chooses, "--help" says more
	PYTHONPATH=. $(BIN)/python -m tests.bench $(BENCH_ARGS)

.PHONY: steady
steady: $(VENV)/.tests ## 100,000 requests through reloads and rolling restarts, behind nginx and behind Caddy: none may fail
	PYTHONPATH=. $(BIN)/python -m tests.bench.steady --front nginx $(STEADY_ARGS)
	PYTHONPATH=. $(BIN)/python -m tests.bench.steady --front caddy $(STEADY_ARGS)

.PHONY: soak
soak: $(VENV)/.tests ## An hour of faults and mixed use: nothing may be kept; SOAK_ARGS="--minutes 3" for less
	PYTHONPATH=. $(BIN)/python -m tests.bench.soak $(or $(SOAK_ARGS),--hours 1)

.PHONY: differential
differential: $(VENV)/.tests ## Made-up inputs through both lanes; INPUTS=100000 says how many, SEED=1 repeats a run
	$(BIN)/python tests/bench/differential.py $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED))

.PHONY: fuzz
fuzz: $(VENV)/.tests ## Made-up inputs for every parser; INPUTS=1000000 says how many for each, SEED=1 repeats a run
	$(BIN)/python -m tests.fuzz $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED))

.PHONY: screenshots
screenshots: $(VENV)/.tests browser ## Take the pictures of docs/screenshots/ again
	PYTHONPATH=. $(BIN)/python docs/screenshots.py

.PHONY: clean
clean: ## Remove the virtual environment, caches and build output
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: reinstall when what is to be installed has changed.
$(VENV)/.runs: setup.cfg pyproject.toml | $(BIN)/python
	@if [[ ! $(VENV)/.tests -nt setup.cfg || ! $(VENV)/.tests -nt pyproject.toml ]]; then \
		echo "installing the gateway into $(VENV) (half a minute, once)"; \
		$(BIN)/python -m pip install --quiet --editable .; \
	fi
	@touch $@

$(VENV)/.tests: setup.cfg pyproject.toml | $(BIN)/python
	@echo "installing the gateway and its test tools into $(VENV) (a minute, once)"
	@$(BIN)/python -m pip install --quiet --editable '.[postgres,test,apps,servers,dev]'
	@touch $@

$(BIN)/python:
	@python=; \
	for candidate in $(PYTHON) python3.11 python3 python3.12 python3.13; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [[ -z $$python ]]; then echo "Python 3.11 or newer is needed, and not found. On Debian 12: apt-get install python3 python3-venv" >&2; exit 1; fi; \
	if ! "$$python" -c 'import ensurepip' 2>/dev/null; then \
		package="python$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"; \
		if [[ $$(id -u) = 0 ]] && command -v apt-get >/dev/null; then \
			echo "installing $$package: Debian keeps the part of Python that makes virtual environments in a package of its own"; \
			apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$$package"; \
		else \
			echo "$$python can't make virtual environments. On Debian: sudo apt-get install $$package" >&2; exit 1; \
		fi; \
	fi; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# A browser for the end-to-end tests. Without one they are skipped and say so; with REQUIRE_SERVERS=1 they fail.
.PHONY: browser
browser:
	@if command -v chromium >/dev/null; then :; \
	elif [[ $$(id -u) = 0 ]] && command -v apt-get >/dev/null; then \
		echo "installing chromium for the end-to-end tests"; \
		{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium; } \
			|| { echo "chromium could not be installed" >&2; [[ -z $${REQUIRE_SERVERS:-} ]]; }; \
	else \
		echo "no chromium: the end-to-end tests will be skipped (on Debian: sudo apt-get install chromium)"; \
	fi

# Node.js for the tests with real Next.js apps. What those need of npm is kept in ~/.cache/auth-gateway-tests.
.PHONY: node
node:
	@if command -v node >/dev/null && command -v npm >/dev/null; then :; \
	elif [[ $$(id -u) = 0 ]] && command -v apt-get >/dev/null; then \
		echo "installing nodejs and npm for the tests with real Next.js apps"; \
		{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nodejs npm; } \
			|| { echo "nodejs and npm could not be installed" >&2; [[ -z $${REQUIRE_SERVERS:-} ]]; }; \
	else \
		echo "no node or npm: the tests with real Next.js apps will be skipped (on Debian: sudo apt-get install nodejs npm)"; \
	fi

# HAProxy for the tests of forward-auth: the one proxy that no wheel brings. Without it they are skipped and say so; with REQUIRE_SERVERS=1 they fail.
.PHONY: haproxy
haproxy:
	@if command -v haproxy >/dev/null || [[ -x /usr/sbin/haproxy ]]; then :; \
	elif [[ $$(id -u) = 0 ]] && command -v apt-get >/dev/null; then \
		echo "installing haproxy for the tests of forward-auth"; \
		{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends haproxy; } \
			|| { echo "haproxy could not be installed" >&2; [[ -z $${REQUIRE_SERVERS:-} ]]; }; \
	else \
		echo "no haproxy: some tests of forward-auth will be skipped (on Debian: sudo apt-get install haproxy)"; \
	fi
