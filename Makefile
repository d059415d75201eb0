# The few commands that one needs. `make up` uses Docker Compose where it is whole, else a native runner (deploy/native) that
# installs what is missing and keeps everything under .heliograph/.
#
#   HELIOGRAPH_HTTP_PORT=8080     where the gateway listens; further copies take the ports after it
#   HELIOGRAPH_CONTROL_PORT=8090  the simulator's handsets; both stay as they were the last time when not given
#   HELIOGRAPH_COPIES=1           how many of each service
#   HELIOGRAPH_MODE=development   or production: no demo company
#   HELIOGRAPH_ENGINE=auto        or compose, native

PYTHON ?= python3
RUNNER := $(PYTHON) -m deploy.native
VENV := .venv/bin
TYPED := libs services deploy

export PYTHONPATH := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help up down status logs demo prepare lint test test-all bench bench-chaos faults peers bench-peer clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

up: ## start everything and say where it is
	@$(RUNNER) up

down: ## stop everything; the data is kept
	@$(RUNNER) down

status: ## what runs, and what it lacks
	@$(RUNNER) status

logs: ## follow the logs; of one: make logs SERVICE=messaging
	@$(RUNNER) logs $(SERVICE)

demo: up ## the main job, told line by line
	@.heliograph/bin/heliograph demo

prepare: ## what the tests need, installed
	@$(RUNNER) prepare

lint: prepare ## style, types, who may import whom
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy --strict $(TYPED)
	$(VENV)/lint-imports

test: lint ## lint and every test that ends within minutes
	$(VENV)/python -m pytest tests --ignore=tests/faults --ignore=tests/bench --ignore=tests/bench_peer

test-all: lint ## the long ones too
	$(VENV)/python -m pytest tests

faults: prepare ## services, broker and database killed under load; nothing lost, nothing twice
	$(VENV)/python -m tests.faults

bench: prepare ## figures of this machine, each beside the limit of its parts; some ten minutes
	$(VENV)/python -m tests.bench

bench-chaos: prepare ## a campaign of a million, paused, resumed, workers killed: nobody twice, nobody missing
	$(VENV)/python -m tests.bench.million

peers: prepare ## texts through Jasmin and Kannel, which others wrote, both ways; installs them
	$(VENV)/python -m tests.peers

bench-peer: prepare ## our figures over those of Jasmin and Kannel, in one run; installs them
	$(VENV)/python -m tests.bench_peer

clean: ## stop everything and remove its data
	@$(RUNNER) clean
