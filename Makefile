# 汇通 Huitong. Needs GNU make and Python 3.11 with venv; everything else is installed into .venv from locked, hash-checked files.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3) python3)
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
PROGRESS := sh "$(CURDIR)/requirements/progress.sh"
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet --quiet install --root-user-action=ignore
NPM := cd hub/console && PATH="$(CURDIR)/$(BIN):$$PATH" $(PROGRESS)
CONSOLE := $(wildcard hub/console/src/*) hub/console/index.html hub/console/vite.config.ts hub/console/tsconfig.json hub/console/package-lock.json
SOAK_CYCLES ?= 1000
SOAK_SECONDS ?= 60
SOAK_MINUTES ?= 10
USERS ?= 20
SECONDS ?= 60
SHAPE ?= steady
CALLERS ?= MixedDay
# Processes of the whole suite: half of what it does is waiting.
TEST_PROCESSES ?= 4
# PORT belongs to a HOST that names none; what stands in brackets is an address.
LOAD_PORT = $(if $(findstring :,$(lastword $(subst ], ],$(HOST)))),,:$(or $(PORT),8000))
LOAD_HOST = $(if $(findstring ://,$(HOST)),$(HOST),http://$(or $(HOST),127.0.0.1)$(LOAD_PORT))
say = @printf '%s\n' '· $(1)'

.PHONY: help run build dev lint compiled collected prepared fast check test thorough packages conformance soak soak-ledger soak-isolation soak-memory scale growth report bench profile load clean

help: ## 说明 This list
	@printf '%s\n' '汇通 Huitong' ''
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'
	@printf '%s\n' '' '  PORT=8000 HOST=127.0.0.1 HUITONG_HOME=.huitong SEED_PERSONS=100000 make run'

run: build ## 演示 Install, build, seed the demonstration city, serve it on http://127.0.0.1:8000
	@exec $(BIN)/huitong demo

build: $(DONE)/package hub/console/dist/index.html hub/demo/divisions.json ## 构建 Install into .venv, build GraphiQL and the table of divisions

$(DONE)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		printf '%s\n' '需要 Python 3.11 或更高版本 Python 3.11 or newer is needed; $(PYTHON) is not:' '  apt-get install python3 python3-venv    (or: make PYTHON=/path/to/python3.11)' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		printf '%s\n' '缺少 venv: $(PYTHON) lacks venv:' "  apt-get install python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" >&2; exit 1; }
	$(call say,创建 creating $(VENV))
	@$(PYTHON) -m venv $(VENV) && mkdir -p $(DONE) && touch $@

$(DONE)/run: requirements/run.txt | $(DONE)/venv
	@$(PROGRESS) '安装运行依赖 installing what the hub runs on (hash-locked)' $(PIP) --require-hashes -r $< && touch $@

$(DONE)/tools: requirements/build.txt | $(DONE)/run
	@$(PROGRESS) '安装构建工具 installing the build tools (hash-locked)' $(PIP) --require-hashes -r $< && touch $@

$(DONE)/package: pyproject.toml $(DONE)/run $(DONE)/tools
	$(call say,安装汇通 installing huitong)
	@$(PIP) --no-deps --no-build-isolation --no-index -e . && touch $@

$(DONE)/npm: hub/console/package-lock.json hub/console/package.json hub/console/.npmrc $(DONE)/tools
	@$(NPM) '安装控制台依赖 installing GraphiQL and its tools (locked)' npm --loglevel=error ci && touch "$(CURDIR)/$@"

hub/console/dist/index.html: $(CONSOLE) $(DONE)/npm
	@$(NPM) '构建控制台 building GraphiQL' npm --loglevel=error run --silent build -- --logLevel warn && touch "$(CURDIR)/$@"

hub/demo/divisions.json: hub/demo/divisions.py $(DONE)/npm $(DONE)/package
	$(call say,生成行政区划表 making the table of administrative divisions)
	@$(BIN)/python -m hub.demo.divisions hub/console/node_modules >/dev/null && touch $@

$(DONE)/peers: loadtests/peers/postgraphile/package-lock.json loadtests/peers/postgraphile/package.json loadtests/peers/postgraphile/.npmrc $(DONE)/tools
	@cd loadtests/peers/postgraphile && PATH="$(CURDIR)/$(BIN):$$PATH" $(PROGRESS) '安装对照服务 installing PostGraphile, to compare with (locked)' npm --loglevel=error ci && touch "$(CURDIR)/$@"

dev: build $(DONE)/dev $(DONE)/oracle $(DONE)/s3 ## 开发环境 Install the development tools as well

$(DONE)/dev: requirements/dev.txt $(DONE)/package
	@$(PROGRESS) '安装开发工具 installing the development tools (hash-locked)' $(PIP) --require-hashes -r $< && touch $@

$(DONE)/oracle: requirements/oracle.txt | $(DONE)/venv
	@$(PROGRESS) '安装对照实现 installing an oracle of the tests, apart (hash-locked)' $(PIP) --require-hashes --upgrade --target $(VENV)/oracle -r $< && touch $@

$(DONE)/s3: requirements/s3.txt | $(DONE)/venv
	@$(PROGRESS) '安装测试用 S3 服务 installing an S3 server for the tests, apart (hash-locked)' $(PIP) --require-hashes --upgrade --target $(VENV)/s3 -r $< && touch $@

lint: dev
	$(call say,ruff$(comma) mypy$(comma) import-linter)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo >$(DONE)/lint-imports.log || { cat $(DONE)/lint-imports.log; exit 1; }

check: dev ## 快速检查 Lint, types, architecture, fast tests: under a minute
	@$(MAKE) --jobs=2 --output-sync=target lint fast

# Tests start many processes: none of them compiles the code anew, also where Python is told to write no bytecode.
compiled: dev
	@$(BIN)/python -m compileall -q -j 2 -x node_modules hub schema auth connectors masking verifier loadtests tests

fast: compiled
	@$(BIN)/pytest -q -m fast -n 2 --dist loadfile

# Beside the types' check, which keeps one processor busy: what pytest makes of the tests' modules, once instead of by each worker.
collected: compiled
	@$(BIN)/pytest -qq --collect-only >$(DONE)/collected.log || { cat $(DONE)/collected.log; exit 1; }

prepared: dev packages
	@$(MAKE) --jobs=2 --output-sync=target lint collected

test: prepared ## 全部测试 Everything; starts its own PostgreSQL, MariaDB and Chromium
	@$(BIN)/pytest -q -n $(TEST_PROCESSES) --dist loadfile

thorough: prepared ## 全部样例 The same with all random examples, of which `make test` draws a quarter
	@THOROUGH=1 $(BIN)/pytest -q -n $(TEST_PROCESSES) --dist loadfile

packages:
	@missing=; command -v chromium >/dev/null || missing="$$missing chromium"; \
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || missing="$$missing postgresql"; \
	ls /usr/sbin/mariadbd >/dev/null 2>&1 || command -v mariadbd >/dev/null || missing="$$missing mariadb-server"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then \
		printf '%s\n' "测试需要 the tests need:$$missing. 请以 root 运行 run as root:" "  apt-get install --no-install-recommends$$missing" >&2; exit 1; fi; \
	printf '%s\n' "· 安装 installing$$missing"; \
	{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing; } >/dev/null

conformance: dev ## 一致性 Run the conformance kit over every connector and write docs/conformance.md
	@$(BIN)/pytest -q -p tests.connectors.conformance tests/connectors/test_conformance.py tests/connectors/test_conformance_aggregates.py tests/connectors/test_conformance_load.py tests/connectors/test_conformance_streams.py

soak: soak-ledger soak-isolation soak-memory ## 长时间测试 Long-running counts; evidence goes to docs/evidence/ (SOAK_CYCLES=1000 SOAK_SECONDS=60 SOAK_MINUTES=10)

soak-ledger: dev packages
	@$(BIN)/python -m tests.soak --cycles $(SOAK_CYCLES)

soak-isolation: dev packages
	@$(BIN)/python -m tests.soak.isolation --seconds $(SOAK_SECONDS)

soak-memory: dev
	@$(BIN)/python -m loadtests.soak --minutes $(SOAK_MINUTES)

scale: dev ## 规模 Measures the hub with 500 and 5,000 resources in two minutes: docs/evidence/scale.md
	@$(BIN)/python -m tests.scale.measure

growth: dev ## 增长 Measures a ledger of up to ten million entries: docs/evidence/ledger-growth.md (an hour, 30 GiB)
	@$(BIN)/python -m tests.scale.ledger

report: dev ## 使用情况报告 Makes the usage report of a made-up city's year, in .build/report
	@$(BIN)/python -m tests.scale.report --out .build/report

bench: dev packages $(DONE)/peers ## 性能 Compares the hub with peers and limits: loadtests/results/; then docs/evidence/bench.md. SHORT=1: five minutes
	@$(BIN)/python -m loadtests.comparison $(if $(SHORT),--short) $(BENCH); compared=$$?; \
	$(if $(SHORT),:,$(BIN)/python -m loadtests.bench) && exit $$compared

profile: dev packages ## 剖析 Samples where a call's CPU goes, in three minutes: docs/evidence/profile.md (PROFILE='--tasks W1-64 --seconds 20')
	@$(BIN)/python -m loadtests.sampling $(PROFILE)

load: dev ## 负载 Load test of a running hub (make run); report in .build/load (USERS=20 SECONDS=60 SHAPE=steady HOST=… CALLERS=MixedDay ARGS=…)
	@$(BIN)/python -m loadtests.scenarios.prepare .build/load/people.json
	@$(BIN)/locust --headless --only-summary --host $(LOAD_HOST) --people .build/load/people.json --users $(USERS) --spawn-rate $(USERS) \
		--run-time $(SECONDS) --shape $(SHAPE) --html .build/load/report.html --csv .build/load/report $(ARGS) $(CALLERS)
	$(call say,报告 the report is .build/load/report.html)

clean: ## 清理 Remove what was built and installed; the hub's data (.huitong) stays
	@rm -rf $(VENV) hub/console/node_modules loadtests/peers/postgraphile/node_modules hub/console/dist hub/demo/divisions.json *.egg-info
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find hub schema auth connectors masking verifier tests loadtests -name __pycache__ -type d -prune -exec rm -rf {} +

comma := ,
