# The everyday commands; `make help` lists them. Each is a command of .venv/bin/event-store, which says more with --help.
INVENTORY ?= inventory/local.py
CONTAINER ?=
CONFIRM ?=
VOLUMES ?= keep
TO ?=
FORMAT ?=
POOLED ?=
LOSE ?=
BEFORE ?=
EXPORT ?=
FORK ?=
ARCHIVE ?=
REPLACE ?=
OUT ?=
STEP ?=
ROLE ?=
LANGUAGE ?=
SERIAL ?=
TRUST ?=
CLIENT ?=
FORCE ?=
TIMEOUT ?=
QUIET ?=
TYPE ?=
TIME ?=
POINT ?=
NAME ?=
COPY ?=
BEFORE_EVENT ?=
INTO ?=
ARGS ?=
PYTEST_ARGS ?=

BIN := .venv/bin
EVENT_STORE := $(BIN)/event-store
CHOICE = $(if $(CONTAINER),-c $(CONTAINER))
READY := .venv/.ready
# The groups of tests of tests/deployed/groups.py, in its order: one more than there are cores, because one waits for a
# container most of the time. Benchmarks are for a quiet machine.
SIDE_BY_SIDE := -n 3 --no-loadscope-reorder -p no:benchmark --durations=30 --durations-min=20
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help deploy plan drift status verify dsn types psql shell demo ca authorities trust rollover certificate revoke rotate backup backups drill copy restore-repository restore restore-point discard seals export-seals retire destroy rollback test soak bench bench-large check packages

help: ## this text
	@echo "make TARGET [INVENTORY=inventory/local.py]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 15

deploy: $(READY) ## bring everything in INVENTORY to what it declares; again after any change
	@$(EVENT_STORE) deploy -i $(INVENTORY)

plan: $(READY) ## what a deploy would change, with differences; changes nothing
	@$(EVENT_STORE) plan -i $(INVENTORY)

drift: $(READY) ## 0: as declared; 2: drift, listed by machine and object (1: cannot be determined, which make itself turns into 2)
	@$(EVENT_STORE) drift -i $(INVENTORY)

status: $(READY) ## how every host, container, cluster, worker, projection and subscription is; changes nothing
	@$(EVENT_STORE) status -i $(INVENTORY)

verify: $(READY) ## check what is deployed, and its latency, with testinfra; changes nothing
	@$(EVENT_STORE) verify -i $(INVENTORY) -- $(PYTEST_ARGS)

dsn: $(READY) ## the application's libpq URI on standard output [CONTAINER=name] [FORMAT=what another driver reads] [POOLED=1: through PgBouncer] [TRUST=file, CLIENT=folder: where the client has them]
	@$(EVENT_STORE) dsn -i $(INVENTORY) $(CHOICE) $(if $(FORMAT),--format $(FORMAT)) $(if $(POOLED),--pooled) $(if $(TRUST),--trust "$(TRUST)") $(if $(CLIENT),--client "$(CLIENT)")

types: $(READY) $(if $(filter typescript,$(LANGUAGE)),.venv/.ready-types) ## types of the events, rows and functions of a deployed store: LANGUAGE=typescript or python, OUT=folder [CONTAINER=name]
	@$(EVENT_STORE) types -i $(INVENTORY) $(CHOICE) $(if $(LANGUAGE),--language "$(LANGUAGE)") --out "$(OUT)"

psql: $(READY) ## psql as the application [CONTAINER=name] [ARGS='-c "SELECT 1"']
	@$(EVENT_STORE) psql -i $(INVENTORY) $(CHOICE) -- $(ARGS)

shell: $(READY) ## enter a container as root [CONTAINER=name] [ARGS=command]
	@$(EVENT_STORE) shell -i $(INVENTORY) $(CHOICE) -- $(ARGS)

demo: $(READY) ## append some stock-analysis events and show the portfolio [CONTAINER=name]
	@$(EVENT_STORE) demo -i $(INVENTORY) $(CHOICE)

seals: $(READY) ## 0: the events are what was sealed; 2: they are not, and what differs [CONTAINER=name] [EXPORT=file of seals, ARCHIVE=file of retired events, to compare with]
	@$(EVENT_STORE) seals -i $(INVENTORY) $(CHOICE) $(if $(EXPORT),--compare "$(EXPORT)") $(if $(ARCHIVE),--archive "$(ARCHIVE)")

export-seals: $(READY) ## add the new seals to EXPORT=file, to be kept elsewhere [CONTAINER=name] [FORK=id of a restore, to be recorded in it]
	@$(EVENT_STORE) export-seals -i $(INVENTORY) $(CHOICE) --export "$(EXPORT)" $(if $(FORK),--fork "$(FORK)")

retire: $(READY) ## export the events from before BEFORE=date to EXPORT=folder, then delete them [CONTAINER=name]
	@$(EVENT_STORE) retire -i $(INVENTORY) $(CHOICE) --before "$(BEFORE)" --export "$(EXPORT)"

destroy: $(READY) ## remove container CONFIRM=name; its data volume only with VOLUMES=delete
	@$(EVENT_STORE) destroy -i $(INVENTORY) --confirm "$(CONFIRM)" --volumes "$(VOLUMES)"

rollback: $(READY) ## take migrations back until TO=NNNN is the last one [LOSE=table,table]
	@$(EVENT_STORE) rollback -i $(INVENTORY) --to "$(TO)" --lose "$(LOSE)"

ca: $(READY) ## make the certificate authority of INVENTORY, its key encrypted with $$EVENT_STORE_CA_PASSPHRASE [REPLACE=one that is lost]
	@$(EVENT_STORE) ca -i $(INVENTORY) $(if $(REPLACE),--replace "$(REPLACE)")

authorities: $(READY) ## the authorities, and the certificates that were issued to clients
	@$(EVENT_STORE) authorities -i $(INVENTORY)

trust: $(READY) ## write what clients check the servers by to OUT=file
	@$(EVENT_STORE) trust -i $(INVENTORY) --out "$(OUT)"

rollover: $(READY) ## replace the authority: STEP=begin, then switch, then finish; deploy after each
	@$(EVENT_STORE) rollover -i $(INVENTORY) --step "$(STEP)"

certificate: $(READY) ## issue a client's certificate to OUT=folder, by default the operator's own [ROLE=whom it is for]
	@$(EVENT_STORE) certificate -i $(INVENTORY) $(if $(ROLE),--role "$(ROLE)") $(if $(OUT),--out "$(OUT)")

revoke: $(READY) ## revoke the client's certificate SERIAL=number; deploy tells the servers
	@$(EVENT_STORE) revoke -i $(INVENTORY) --serial "$(SERIAL)"

rotate: $(READY) ## another password for the application, without an end of service; again to go on [CONTAINER=name] [FORCE=1: end old connections] [TIMEOUT=seconds to wait for them] [QUIET=seconds that nobody has to be connected, 30]
	@$(EVENT_STORE) rotate -i $(INVENTORY) $(CHOICE) $(if $(FORCE),--force) $(if $(TIMEOUT),--timeout "$(TIMEOUT)") $(if $(QUIET),--quiet "$(QUIET)")

backup: $(READY) ## make a backup now, beside those of the schedule [CONTAINER=name] [TYPE=full, differential; incremental]
	@$(EVENT_STORE) backup -i $(INVENTORY) $(CHOICE) $(if $(TYPE),--type "$(TYPE)")

backups: $(READY) ## the backups that there are, and what each one covers [CONTAINER=name]
	@$(EVENT_STORE) backups -i $(INVENTORY) $(CHOICE)

drill: $(READY) ## restore the newest backup into a scratch cluster, check it, and remove it [CONTAINER=name] [COPY=name of a copy of the repository, or newest] [INTO=another container to do it in]
	@$(EVENT_STORE) drill -i $(INVENTORY) $(CHOICE) $(if $(COPY),--copy "$(COPY)") $(if $(INTO),--into "$(INTO)")

copy: $(READY) ## copy the repository to where no container can write, and verify the copy [CONTAINER=name]
	@$(EVENT_STORE) copy -i $(INVENTORY) $(CHOICE)

restore-repository: $(READY) ## put a copy in the place of the repository: CONFIRM=its container, COPY=name; lists the copies [CONTAINER=name]
	@$(EVENT_STORE) restore-repository -i $(INVENTORY) $(CHOICE) $(if $(CONFIRM),--confirm "$(CONFIRM)") $(if $(COPY),--copy "$(COPY)")

restore: $(READY) ## restore after a plan: CONFIRM=name [TIME=2026-11-28T12:00:00Z | POINT=name | BEFORE_EVENT=position or id; the newest] [INTO=another container] [EXPORT=file of seals to record it in] [FORCE=1: although erasures may be lost]
	@$(EVENT_STORE) restore -i $(INVENTORY) $(CHOICE) $(if $(INTO),--into "$(INTO)") $(if $(CONFIRM),--confirm "$(CONFIRM)") $(if $(TIME),--time "$(TIME)") $(if $(POINT),--point "$(POINT)") $(if $(BEFORE_EVENT),--before-event "$(BEFORE_EVENT)") $(if $(EXPORT),--export "$(EXPORT)") $(if $(FORCE),--force)

restore-point: $(READY) ## give the present state a name, to go back to: NAME=name [CONTAINER=name]
	@$(EVENT_STORE) restore-point -i $(INVENTORY) $(CHOICE) --name "$(NAME)"

discard: $(READY) ## remove the data that restores have replaced: CONFIRM=name
	@$(EVENT_STORE) discard -i $(INVENTORY) --confirm "$(CONFIRM)"

test: .venv/.ready-test ## all tests but the rest of long series, on real containers of their own
	@$(MAKE) check
	@$(BIN)/pytest $(SIDE_BY_SIDE) -m "not soak" client/tests tests/unit tests/plan tests/deployed $(PYTEST_ARGS)

soak: .venv/.ready-soak ## all tests with their long series, about an hour; if all pass, docs/figures.md says when
	@PYTHONPATH=tests $(BIN)/pytest $(SIDE_BY_SIDE) $(if $(PYTEST_ARGS),,-p bench.soak) client/tests tests/unit tests/plan tests/deployed $(PYTEST_ARGS)

bench: .venv/.ready-bench ## docs/figures.md, measured here: about half an hour, on containers of its own [PYTEST_ARGS="-k append"]
	@$(BIN)/pytest tests/bench -s $(PYTEST_ARGS)

bench-large: .venv/.ready-bench ## what depends on size, again with ten million events: about 45 minutes, 50 GB of disk
	@EVENT_STORE_BENCH_EVENTS=10000000 $(BIN)/pytest tests/bench -s -k "growth or backups" $(PYTEST_ARGS)

check: $(READY) ## ruff, mypy --strict of code and tests, and that the client's synchronous half is not stale
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python client/tools/generate_sync.py --check

# Everything that the machine lacks; on standard error, because `make dsn` owns standard output.
$(READY): requirements.txt pyproject.toml client/pyproject.toml
	@{ set -e; \
	   packages=; \
	   python3 -c 'import ensurepip, venv' 2>/dev/null || packages="python3 python3-venv"; \
	   command -v psql >/dev/null || packages="$$packages postgresql-client"; \
	   $(MAKE) packages PACKAGES="$$packages"; \
	   echo "Setting up .venv"; \
	   python3 -m venv .venv; \
	   $(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -e . -e ./client; \
	   $(BIN)/python -m compileall -q deploy client/src examples; \
	   touch $(READY); } >&2

# What only `make types LANGUAGE=typescript` uses: the generator from npm.
.venv/.ready-types: $(READY) deploy/types/package-lock.json
	@{ set -e; \
	   packages=; \
	   command -v npm >/dev/null || packages="nodejs npm"; \
	   $(MAKE) packages PACKAGES="$$packages"; \
	   npm ci --prefix deploy/types --ignore-scripts --silent; \
	   touch $@; } >&2

# What only the tests use: this machine's own SSH server as a way to an LXC host, a user who is not root there, a password
# store, and drivers of four languages.
DRIVERS := tests/deployed/drivers
.venv/.ready-test: $(READY) $(DRIVERS)/requirements.txt $(DRIVERS)/stories/package-lock.json
	@{ set -e; \
	   packages=; \
	   command -v sshd >/dev/null || [ -x /usr/sbin/sshd ] || packages="openssh-server"; \
	   command -v sudo >/dev/null || packages="$$packages sudo"; \
	   command -v pass >/dev/null || packages="$$packages pass"; \
	   command -v mkfs.xfs >/dev/null || [ -x /usr/sbin/mkfs.xfs ] || packages="$$packages xfsprogs"; \
	   command -v npm >/dev/null || packages="$$packages nodejs npm"; \
	   command -v go >/dev/null || packages="$$packages golang-go"; \
	   command -v javac >/dev/null || packages="$$packages default-jdk-headless"; \
	   [ -d /usr/share/gocode/src/github.com/lib/pq ] || packages="$$packages golang-github-lib-pq-dev"; \
	   [ -e /usr/share/java/postgresql.jar ] || packages="$$packages libpostgresql-jdbc-java"; \
	   $(MAKE) packages PACKAGES="$$packages"; \
	   $(BIN)/pip install --quiet --disable-pip-version-check -r $(DRIVERS)/requirements.txt; \
	   npm ci --prefix $(DRIVERS)/stories --silent; \
	   touch $@; } >&2

# What only the long series use: drivers of further languages, and an object storage.
SOAK := golang-github-jackc-pgx-v4-dev ruby-pg libdbd-pg-perl php-cli php-pgsql odbc-postgresql python3-pyodbc
.venv/.ready-soak: .venv/.ready-test $(DRIVERS)/requirements-soak.txt
	@{ set -e; \
	   dpkg-query -W -f '$${Status}\n' $(SOAK) 2>/dev/null | grep -c 'ok installed$$' | grep -qx $(words $(SOAK)) \
	     || $(MAKE) packages PACKAGES="$(SOAK)"; \
	   $(BIN)/pip install --quiet --disable-pip-version-check -r $(DRIVERS)/requirements-soak.txt; \
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
	   sh templates/system/install-packages.sh $(PACKAGES); \
	 fi
