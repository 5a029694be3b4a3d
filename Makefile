# The everyday commands; `make help` lists them. Operators may as well call pyinfra: .venv/bin/pyinfra INVENTORY deploy/
INVENTORY ?= inventory/local.py
CONTAINER ?=
CONFIRM ?=
VOLUMES ?= keep
TO ?=
LOSE ?=
BEFORE ?=
EXPORT ?=
PYTEST_ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
# The groups of tests of tests/deployed/groups.py, in its order, on two cores. Benchmarks are for a quiet machine.
SIDE_BY_SIDE := -n 2 --no-loadscope-reorder -p no:benchmark
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help deploy plan drift verify dsn demo seals export-seals retire destroy rollback test soak bench bench-large check packages

help: ## this text
	@echo "make TARGET [INVENTORY=inventory/local.py]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 15

deploy: $(READY) ## bring everything in INVENTORY to what it declares; again after any change
	@$(BIN)/pyinfra $(INVENTORY) deploy/ -y
	@$(BIN)/python -m deploy.commands.summary $(INVENTORY)

plan: $(READY) ## what a deploy would change, with differences; changes nothing
	@$(BIN)/pyinfra $(INVENTORY) deploy/ --dry --diff

drift: $(READY) ## 0: as declared; 2: drift, listed per machine and object (1: could not tell, which make itself turns into 2)
	@$(BIN)/python -m deploy.commands.drift $(INVENTORY)

verify: $(READY) ## check what is deployed, and its latency, with testinfra; changes nothing
	@$(BIN)/pytest tests/verify --inventory=$(INVENTORY) $(PYTEST_ARGS)

dsn: $(READY) ## the application's libpq URI on standard output [CONTAINER=name]: psql "$$(make -s dsn)"
	@$(BIN)/python -m deploy.commands.dsn $(INVENTORY) $(CONTAINER)

demo: $(READY) ## append some stock-analysis events and show the portfolio [CONTAINER=name]
	@$(BIN)/python -m deploy.commands.demo $(INVENTORY) $(CONTAINER)

seals: $(READY) ## 0: the events are what was sealed; 2: they are not, and what differs [CONTAINER=name] [EXPORT=file to compare with]
	@$(BIN)/python -m deploy.commands.seals $(INVENTORY) "$(CONTAINER)" verify "$(EXPORT)"

export-seals: $(READY) ## add the new seals to EXPORT=file, to be kept elsewhere [CONTAINER=name]
	@$(BIN)/python -m deploy.commands.seals $(INVENTORY) "$(CONTAINER)" export "$(EXPORT)"

retire: $(READY) ## export the events from before BEFORE=date to EXPORT=folder, then delete them [CONTAINER=name]
	@$(BIN)/python -m deploy.commands.retire $(INVENTORY) "$(CONTAINER)" "$(BEFORE)" "$(EXPORT)"

destroy: $(READY) ## remove container CONFIRM=name; its data volume only with VOLUMES=delete
	@$(BIN)/pyinfra $(INVENTORY) deploy/destroy.py -y --data confirm=$(CONFIRM) --data volumes=$(VOLUMES)

rollback: $(READY) ## take migrations back until TO=NNNN is the last one [LOSE=table,table]
	@$(BIN)/pyinfra $(INVENTORY) deploy/rollback.py -y --data to=$(TO) --data lose=$(LOSE)

test: .venv/.ready-test ## all tests but the rest of long series, on real containers of their own
	@$(MAKE) check
	@$(BIN)/pytest $(SIDE_BY_SIDE) -m "not soak" tests/unit tests/plan tests/deployed $(PYTEST_ARGS)

soak: .venv/.ready-test ## all tests with their long series, about an hour; a green run is written down in docs/figures.md
	@PYTHONPATH=tests $(BIN)/pytest $(SIDE_BY_SIDE) $(if $(PYTEST_ARGS),,-p bench.soak) tests/unit tests/plan tests/deployed $(PYTEST_ARGS)

bench: .venv/.ready-bench ## docs/figures.md, measured here: about 15 minutes, on containers of its own [PYTEST_ARGS="-k append"]
	@$(BIN)/pytest tests/bench -s $(PYTEST_ARGS)

bench-large: .venv/.ready-bench ## what depends on size, again with ten million events: about 45 minutes, 50 GB of disk
	@EVENT_STORE_BENCH_EVENTS=10000000 $(BIN)/pytest tests/bench -s -k growth $(PYTEST_ARGS)

check: $(READY) ## ruff and mypy --strict, of the tests as well
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# Everything that the machine lacks; on standard error, because `make dsn` owns standard output.
$(READY): requirements.txt pyproject.toml
	@{ set -e; \
	   packages=; \
	   python3 -c 'import ensurepip, venv' 2>/dev/null || packages="python3 python3-venv"; \
	   command -v psql >/dev/null || packages="$$packages postgresql-client"; \
	   $(MAKE) packages PACKAGES="$$packages"; \
	   echo "Setting up .venv"; \
	   python3 -m venv .venv; \
	   $(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -e .; \
	   $(BIN)/python -m compileall -q deploy event_store; \
	   touch $(READY); } >&2

# What only the tests use: this machine's own SSH server as a way to an LXC host, and a user who is not root there.
.venv/.ready-test: $(READY)
	@{ set -e; \
	   packages=; \
	   command -v sshd >/dev/null || [ -x /usr/sbin/sshd ] || packages="openssh-server"; \
	   command -v sudo >/dev/null || packages="$$packages sudo"; \
	   $(MAKE) packages PACKAGES="$$packages"; \
	   touch $@; } >&2

# What only the benchmarks use: the stores from npm that this one is measured beside.
.venv/.ready-bench: $(READY) tests/bench/peers/package-lock.json
	@{ set -e; \
	   packages=; \
	   command -v npm >/dev/null || packages="nodejs npm"; \
	   $(MAKE) packages PACKAGES="$$packages"; \
	   npm ci --prefix tests/bench/peers --silent; \
	   touch $@; } >&2

packages:
	@if [ -n "$(strip $(PACKAGES))" ]; then \
	   if [ "$$(id -u)" != 0 ]; then echo "As root, install:$(PACKAGES)"; exit 1; fi; \
	   apt-get -q update; \
	   DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $(PACKAGES); \
	 fi
