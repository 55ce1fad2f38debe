"""A process that works on chunks loads nothing of the hub's servers, and nothing that only stands beside Arrow."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
_LOADED = """
import importlib, json, pkgutil, sys
from hub.exchange.work.lean import keep_lean
keep_lean()
import hub.exchange.work as work
for module in pkgutil.iter_modules(work.__path__):
    importlib.import_module(f"hub.exchange.work.{module.name}")
import pyarrow
print(json.dumps([sorted(sys.modules), pyarrow.default_memory_pool().backend_name]))
"""
_UNWANTED = {"strawberry", "graphql", "starlette", "pydantic", "sqlalchemy", "numpy", "pandas", "polars", "rich", "duckdb"}


def test_the_work_of_a_chunk_is_lean() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, check=True, timeout=60)
    modules, pool = json.loads(done.stdout)
    assert {name.partition(".")[0] for name in modules} & _UNWANTED == set()
    assert {"hub.core", "hub.app", "hub.settings", "schema.plan", "auth.decide"}.isdisjoint(modules)
    assert pool == "system"
