"""``docs/usage.md`` and the code say the same: figures, kinds of rules, the worked example, and the auditor's program."""

from __future__ import annotations

import io
import json
import re
import runpy
import sys
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from hub.ledger.canonical import record
from hub.ledger.entry import EntryDraft
from hub.usage.figures import BOUNDS, BUCKETS, NAMES, Figures
from hub.usage.roll import digest, roll
from hub.usage.rulebook import SHIPPED, Kind, UsageRules
from tests.docs.pages import blocks, code, page, section, tables
from tests.usage.build import access, call, refusal

pytestmark = pytest.mark.fast
PAGE = page("docs/usage.md")
RULES = UsageRules.read(SHIPPED)
ASKED, ANSWERED = (table[1:] for table in tables(section(PAGE, "## A worked example")))
DAY = date(2026, 3, 1)


def drafts() -> list[EntryDraft]:
    """The calls of the example."""
    made = []
    for at, application, department, outcome, who, ms, _ in ASKED:
        if outcome == "REFUSED":
            draft = refusal(f"2026-03-01T{at}", application, accesses=(access(rows=0, subjects=()),), ms=int(ms))
        else:
            draft = call(f"2026-03-01T{at}", application, access(subjects=(int(who),)), outcome=outcome, ms=int(ms))
        assert draft.department == department
        made.append(draft)
    return made


def test_the_example_is_what_the_rules_make_of_it() -> None:
    found: dict[str, Figures] = {}
    for row in roll([record(draft, "log") for draft in drafts()], RULES)[DAY]:
        found.setdefault(row.key[1], Figures()).add(row.figures)
    told = {row[0]: [int(value) for value in row[1:]] for row in ANSWERED}
    assert told == {
        name: [each.calls, each.served, each.refused, each.counted, each.subjects, each.percentile(50), each.percentile(95)] for name, each in found.items()
    }
    counted = sum(row[-1].startswith("yes") for row in ASKED)
    assert counted == sum(each.counted for each in found.values())


def test_every_figure_is_defined() -> None:
    (table,) = tables(section(PAGE, "## Days, lines and entries"))
    told = [name for row in table[1:] for name in re.findall(r"`(\w+)`", row[0])]
    assert told == [*_told_before_buckets(), "le_5", "le_inf", "aged", "age", "age_max", "stale", "unavailable"]
    assert all(str(bound) in next(row[1] for row in table if "le_5" in row[0]) for bound in BOUNDS)


def _told_before_buckets() -> list[str]:
    first = ["entries", "calls", "ok", "partial", "refused", "failed", "counted", "rows", "bytes", "subjects", "undelivered", "timed", "ms", "ms_max"]
    assert {*first, "aged", "age", "age_max", "stale", "unavailable", *BUCKETS} == set(NAMES)
    return first


def test_every_kind_of_rule_is_explained() -> None:
    (table,) = tables(section(PAGE, "## Rules against inflation"))
    assert [code(row[0]) for row in table[1:]] == list(get_args(Kind))


def test_the_auditors_program_makes_the_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = tmp_path / "export.jsonl"
    lines = [{"format": "huitong-bundle/v1"}, *({"seq": n, "entry": json.dumps(record(draft, "log"))} for n, draft in enumerate(drafts())), {"sha256": ""}]
    export.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    (program,) = blocks(section(PAGE, "## Counting it again"), "python")
    written = tmp_path / "count.py"
    written.write_text(program, "utf-8")
    monkeypatch.setattr(sys, "argv", ["count.py", str(SHIPPED), str(export)])
    with redirect_stdout(io.StringIO()) as said:
        runpy.run_path(str(written))
    rows = roll([record(draft, "log") for draft in drafts()], RULES)[DAY]
    assert said.getvalue() == f"2026-03-01 {len(rows)} {digest(DAY, RULES.on(DAY), rows)}\n"
