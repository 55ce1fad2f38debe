"""The page on drafts names every mask that is suggested, every kind of drift, and every type of PostgreSQL that has a kind."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from connectors.sql.objects_postgres import KINDS
from hub.catalog.draft.meanings import LABELS
from hub.catalog.drift import Change
from tests.docs.pages import code, page, section, tables

pytestmark = pytest.mark.fast
TEXT = page("docs/catalog-draft.md")
SHORT = {"int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision", "bool": "boolean", "bpchar": "char"}


def test_masks() -> None:
    (table,) = tables(section(TEXT, "## Personal data 个人信息"))
    assert {code(row[2]) for row in table[1:] if row[2].startswith("`")} == {label for label in LABELS.values() if label} - {"KEEP_FIRST_4_LAST_0"} | {
        "DATE_TO_YEAR"
    }


def test_kinds_of_drift() -> None:
    (table,) = tables(section(TEXT, "## Drift 漂移"))
    assert [code(row[0]) for row in table[1:]] == list(get_args(Change))


def test_types() -> None:
    table = tables(section(TEXT, "## Types 类型"))[0]
    named = {name for row in table[1:] for name in re.findall(r"`([a-z0-9 ]+)", row[0])}
    assert {SHORT.get(name, name) for name in KINDS} <= named
