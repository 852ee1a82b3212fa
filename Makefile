# Moose: everything a newcomer needs. `make` lists the goals.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MOOSE := .build/release/moose
STORIES := doctor_finds reports_arrive budget_race budget_storm midnight causes malformed_input fuzz_messages ten_thousand_dead_letters survives_kills long_job \
  host_faults signals handler_secrets steady_memory \
  cancel_running drain_under_load stopped_past_lease \
  outages rolling_deploy worst_settings pooler schedules supervised autoscale ci_results huge_graphs holds_expire rights \
  hostile_secrets failover fuzz_results fuzz_webhooks backlog

.PHONY: help swift setup build run test chaos acceptance acceptance-large prune-check bench lint format clean

help: ## list the goals
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

swift:
	@command -v swift >/dev/null || { \
	  echo "make: swift is missing. Moose is built with Swift 6.3. Install it from https://www.swift.org/install and put it on PATH" >&2; \
	  exit 1; }

setup: swift ## install the Debian packages that are missing (root or sudo)
	@deploy/stack/install-packages.sh

build: setup ## build the release
	swift build -c release --product moose

run: build ## see it work: private servers, example work orders, a live view; Ctrl-C stops all
	@$(MOOSE) up --example deploy/examples

test: setup ## run every test against private servers
	swift build --build-tests
	@deploy/stack/run-tests.sh

MINUTES ?= 10
ORDERS ?= 100000
FAULTS ?= 200

chaos: build ## faults by the hundred under load, checked from the outside: MINUTES=10 ORDERS=100000 FAULTS=200 SEED=...
	@/usr/bin/python3 Tests/Chaos/chaos.py --seconds $$(($(MINUTES) * 60)) --orders $(ORDERS) --faults $(FAULTS) \
	  $(if $(SEED),--seed $(SEED))

acceptance: build ## the long stories against a release build (more than an hour)
	@for story in $(STORIES); do \
	  echo "== $$story"; /usr/bin/python3 Tests/Acceptance/$$story.py || exit 1; done

acceptance-large: build ## the ledger with ten million holds: speed, reconciliation, retention (8 GB of disk for a while)
	@/usr/bin/python3 Tests/Acceptance/ten_million_holds.py

prune-check: build ## a million finished orders are pruned under load: rate, claims, books, space (twenty minutes, 2 GB of disk)
	@/usr/bin/python3 Tests/Acceptance/prune_under_load.py

bench: build ## measure this machine, each figure beside its invariant check
	@$(MOOSE) bench publish
	@$(MOOSE) bench work
	@$(MOOSE) bench latency
	@$(MOOSE) bench ledger

lint: swift ## check format and house rules
	swift format lint --strict --parallel -r Sources Tests Package.swift
	deploy/lint/sizes.py --self-test
	deploy/lint/sizes.py
	deploy/lint/silent-catches.py --self-test
	deploy/lint/silent-catches.py
	deploy/lint/sql-places.sh --self-test
	deploy/lint/sql-places.sh
	deploy/lint/arrows.py --self-test
	deploy/lint/arrows.py
	deploy/lint/links.py --self-test
	deploy/lint/links.py
	deploy/lint/deployments.sh

format: swift ## put the sources into the house format
	swift format -i --parallel -r Sources Tests Package.swift

clean: ## stop the private servers of this clone, delete their data and what was built
	@if [ -d .moose ] && [ -x $(MOOSE) ]; then $(MOOSE) stack stop --remove; \
	elif [ -e .moose/stack.json ]; then \
	  echo "make: .moose holds servers and there is no built moose to stop them. Run 'make build' first" >&2; exit 1; fi
	rm -rf .build .moose
