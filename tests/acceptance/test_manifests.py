"""A manifest with faults: each is told with path, line and remedy, and nothing of it is imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.transport import IMPORT, manifest, published, write_permits
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

TYPOS = {
    "resource key": ('update_cycle = "daily"', 'update_cicle = "daily"'),
    "value": ('sharing_class = "CONDITIONAL"', 'sharing_class = "SOMETIMES"'),
    "mask": ('share = "KEEP_FIRST_1_LAST_1"', 'share = "KEEP_FRIST_1"'),
    "identifier": ('identifiers = ["permit_no"]', 'identifiers = ["permit_nr"]'),
    "link": ('item = "district"', 'item = "distrikt"'),
    "link's target": ('to = "city_data.division.code"', 'to = "city_data.division.kode"'),
    "credit code": ('uscc = "1152010000939', 'uscc = "1152010000938'),
    "password in the address": ("sqlite+aiosqlite:////data", "postgresql+asyncpg://u:secret@db"),
    "source": ('source = "register"', 'source = "registre"'),
    "type": ('type = "datetime"', 'type = "timestamp"'),
}


def problems(hub: RunningHub, text: str) -> list[dict[str, Any]]:
    made = hub.govern("steward", IMPORT, {"text": text}).data["importManifest"]
    assert made["manifest"] is None
    found: list[dict[str, Any]] = made["problems"]
    return found


@pytest.mark.parametrize(("right", "wrong"), TYPOS.values(), ids=TYPOS)
def test_a_typo_in_a_manifest_is_told_with_path_line_and_remedy(hub: RunningHub, right: str, wrong: str) -> None:
    text = manifest("typo", 4, "sqlite+aiosqlite:////data/typo.db")
    assert text.count(right) >= 1
    faulty = text.replace(right, wrong, 1)
    line = next(number for number, content in enumerate(faulty.splitlines(), 1) if wrong in content)
    found = problems(hub, faulty)
    assert any(problem["line"] == line for problem in found), (line, found)
    assert all(problem["path"] and problem["code"] and problem["message"] for problem in found)
    assert any(problem["hint"] for problem in found)
    assert "typo" not in json.dumps(hub.govern("system_admin", "{ imports { department } departments { code } }").data)


def test_all_faults_of_a_manifest_are_told_at_once(hub: RunningHub) -> None:
    text = manifest("typo", 4, "sqlite+aiosqlite:////data/typo.db")
    shape, meaning = text, text
    for name in ("resource key", "value", "type"):
        shape = shape.replace(*TYPOS[name], 1)
    assert {problem["line"] for problem in problems(hub, shape)} >= {
        next(number for number, line in enumerate(shape.splitlines(), 1) if TYPOS[name][1] in line) for name in ("resource key", "value", "type")
    }
    names = ("mask", "identifier", "link", "credit code", "password in the address")
    for name in names:
        meaning = meaning.replace(*TYPOS[name], 1)
    assert len(problems(hub, meaning)) >= len(names)


@pytest.mark.parametrize("text", ["", "x", "[department", "\x00", "[department]\ncode = 1", "a" * 1000 + " = 1", "[[resources]]\n" * 200, "{}"])
def test_what_is_no_manifest_is_refused(hub: RunningHub, text: str) -> None:
    assert problems(hub, text)


def test_nothing_of_a_refused_manifest_stays(hub: RunningHub, tmp_path: Path) -> None:
    write_permits(tmp_path / "permits.db")
    right = manifest("half_done", 5, f"sqlite+aiosqlite:///{tmp_path}/permits.db")
    before = hub.govern("system_admin", "{ imports { id } departments { code } sources { code } }").data
    problems(hub, right.replace(*TYPOS["mask"]))
    assert hub.govern("system_admin", "{ imports { id } departments { code } sources { code } }").data == before
    published(hub, right)
