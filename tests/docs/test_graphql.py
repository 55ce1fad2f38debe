"""What ``docs/graphql.md`` tells developers, in both languages, is what the hub does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from auth.rights import DEFAULT_PAGE_LIMIT
from connectors import errors
from hub.api.http import MAX_HEADER_BYTES
from hub.exchange.work.task import EXTENSIONS
from hub.settings import Settings
from schema import filters
from schema.aggregates import MOST_CELLS, MOST_GROUPS
from schema.answer import MOST_BY_PATH
from schema.budget import Budget
from schema.documents import MAX_TOKENS
from schema.questions import MOST_QUESTIONS
from schema.reader import STALE, Allowance
from schema.values import _MOST_TEXT
from schema.verification import Outcome
from tests.docs.conftest import Demonstration
from tests.docs.pages import ROOT, blocks, code, page, section, tables

PAGES = {"docs/graphql.md": ("## Limits", "## Verifying"), "docs/graphql.zh-CN.md": ("## 限额", "## 核验")}
_IDEMPOTENCY_KEY, _TOKEN_SECONDS = 128, 600
_ABOVE_LINKS = 4
"""Levels of a document that are no links: department, list, nodes, and the item at the end."""


def _limits() -> list[int]:
    setting = {name: field.default for name, field in Settings.model_fields.items()}
    budget, allowance = Budget(), Allowance()
    return [
        setting["body_bytes"],
        MAX_HEADER_BYTES,
        MAX_TOKENS,
        budget.depth,
        budget.depth - _ABOVE_LINKS,
        budget.fields,
        budget.root_fields,
        budget.second_fields,
        budget.repeats,
        budget.merged,
        budget.introspections,
        budget.operations,
        budget.fragments,
        budget.directives,
        DEFAULT_PAGE_LIMIT,
        allowance.rows,
        allowance.cells,
        allowance.values,
        filters.MOST_IN,
        filters.MOST_PARTS,
        filters.MOST_DEPTH,
        filters.MOST_LINKS,
        MOST_GROUPS,
        MOST_CELLS,
        MOST_QUESTIONS,
        _MOST_TEXT,
        MOST_BY_PATH,
        allowance.verifications,
        _IDEMPOTENCY_KEY,
        int(setting["request_seconds"]),
        setting["caller_calls"],
        setting["concurrent_calls"],
        _TOKEN_SECONDS,
        setting["exchange_days"],
    ]


@pytest.mark.fast
@pytest.mark.parametrize("path", PAGES)
def test_limits_are_those_of_the_code(path: str) -> None:
    """Every number of the table, in its order."""
    rows = tables(section(page(path), PAGES[path][0]))[0][1:]
    assert [int(row[1]) for row in rows] == _limits()


@pytest.mark.fast
@pytest.mark.parametrize("path", PAGES)
def test_outcomes_and_formats(path: str) -> None:
    """Outcomes of verification, and formats on offer."""
    text = page(path)
    assert {code(row[0]) for row in tables(section(text, PAGES[path][1]))[0][1:]} == {each.value for each in Outcome}
    assert [name for name in EXTENSIONS if f"`{name}`" not in text] == []


@pytest.mark.fast
@pytest.mark.parametrize("path", PAGES)
def test_states_of_sources(path: str) -> None:
    """Each that ``extensions.sources`` may tell."""
    (line,) = (each for each in page(path).splitlines() if each.startswith("- `sources`"))
    faults = {fault.state for fault in vars(errors).values() if isinstance(fault, type) and issubclass(fault, errors.SourceFault)}
    assert set(re.findall("`([A-Z_]+)`", line)) == {"OK", STALE, *faults}


@pytest.mark.slow
@pytest.mark.xdist_group("demonstration")
@pytest.mark.parametrize("path", PAGES)
def test_the_call_works_as_it_stands(path: str, demonstration: Demonstration) -> None:
    """The request of the page, with a token in its place, sent byte for byte as shown."""
    command = [str(Path(sys.executable).with_name("huitong")), "token", "--app", "housing", "--json"]
    told = json.loads(subprocess.run(command, env=demonstration.environment, cwd=ROOT, capture_output=True, check=True).stdout)
    assert told["expires_in"] == _TOKEN_SECONDS
    head, _, body = blocks(page(path), "http")[0].partition("\n\n")
    method, address, _ = head.splitlines()[0].split(" ")
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    headers["Authorization"] = headers["Authorization"].replace("<token>", told["access_token"])
    with httpx2.Client(trust_env=False) as client:
        answer = client.request(method, demonstration.url + address, headers=headers, content=body.strip().encode())
    assert answer.status_code == 200
    content = answer.json()
    assert len(content["data"]["civilAffairs"]["persons"]["nodes"]) == 2
    assert set(content["extensions"]) == {"receipt", "masking", "sources"}
    shown = json.loads(blocks(page(path), "json")[0])
    assert shown["extensions"]["masking"] == content["extensions"]["masking"]
    assert set(shown["extensions"]["receipt"]) == set(content["extensions"]["receipt"])
