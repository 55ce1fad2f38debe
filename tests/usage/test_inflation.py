"""Rules against inflation: what does not count, and why (ASM-13)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hub.ledger.canonical import record
from hub.ledger.entry import EntryDraft, SubjectSet
from hub.usage.roll import Row, roll
from hub.usage.rulebook import SHIPPED, UsageRules, UsageRulesFault
from tests.usage.build import RULES, access, call, refusal, some_days, subject

pytestmark = pytest.mark.fast
DAY = date(2026, 3, 1)
HONEST = [call(f"2026-03-01T{hour:02}:00:00", "housing-app", access(subjects=(hour,))) for hour in range(8, 18)]


def rows_of(drafts: list[EntryDraft], rules: UsageRules = RULES) -> list[Row]:
    return [row for rows in roll([record(draft, "log") for draft in drafts], rules).values() for row in rows]


def counted(drafts: list[EntryDraft], rules: UsageRules = RULES) -> int:
    return sum(row.figures.counted for row in rows_of(drafts, rules))


def taken(drafts: list[EntryDraft], rules: UsageRules = RULES) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows_of(drafts, rules):
        for rule, calls in row.discounts.items():
            found[rule] = found.get(rule, 0) + calls
    return found


def rules_with(tmp_path: Path, text: str) -> UsageRules:
    path = tmp_path / "rules.toml"
    path.write_text("[[versions]]\nin_force_from = 2020-01-01\n" + text)
    return UsageRules.read(path)


def rule(kind: str, more: str = "", name: str = "R") -> str:
    return f'[[versions.rules]]\nid = "{name}"\nkind = "{kind}"\ntext = "规则"\ntext_en = "rule"\n{more}\n'


def test_asm_13_injected_loop_calls_do_not_raise_the_score() -> None:
    loop = [call(f"2026-03-01T12:{n // 60:02}:{n % 60:02}", "housing-app", access(subjects=(12,))) for n in range(600)]
    own = [call(f"2026-03-01T13:{n // 60:02}:{n % 60:02}", "civil-app", access(subjects=(n,))) for n in range(600)]
    refused = [refusal("2026-03-01T14:00:00") for _ in range(50)]
    assert counted(HONEST) == 10
    assert counted([*HONEST, *loop, *own, *refused]) == 10, "the first loop call is about the subject whom the honest call of that slot was about"
    assert taken([*HONEST, *loop, *own, *refused]) == {"REPEAT": 600, "SELF_CALL": 600}
    assert sum(row.figures.calls for row in rows_of([*HONEST, *loop, *own, *refused])) == 1260, "the raw figures keep them all"


def test_asm_13_a_loop_with_ever_new_subjects_has_a_ceiling(tmp_path: Path) -> None:
    rules = rules_with(tmp_path, rule("SHARE_CAP", "percent = 80\nfloor = 20"))
    flood = [call(f"2026-03-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}", "tax-app", access(subjects=(n + 100,))) for n in range(500)]
    assert counted(flood, rules) == 20, "nobody else calls: the floor"
    assert counted([*HONEST, *flood], rules) == 10 + 40, "80 per cent of 50"
    assert counted([*HONEST, *flood, *flood], rules) == 10 + 40, "more of it changes nothing"
    assert taken([*HONEST, *flood], rules) == {"R": 460}


def test_a_share_above_the_cap_is_taken_from_lines_in_a_fixed_order(tmp_path: Path) -> None:
    rules = rules_with(tmp_path, rule("SHARE_CAP", "percent = 50\nfloor = 3"))
    drafts = [call("2026-03-01T10:00:00", purpose=purpose) for purpose in "aabbb"]
    assert [(row.key[5], row.figures.counted) for row in rows_of(drafts, rules)] == [("a", 2), ("b", 1)]


def test_every_served_call_of_a_resource_counts_or_is_taken_by_one_rule() -> None:
    for row in rows_of(some_days(7, 3, 200)):
        served = row.figures.served if row.key[3] else 0
        assert row.figures.counted + sum(row.discounts.values()) == served
        assert row.figures.calls == row.figures.served + row.figures.refused + row.figures.failed
        assert sum(row.figures.buckets) == row.figures.timed


def test_repeats_are_told_by_application_document_resource_subject_and_slot() -> None:
    first = call("2026-03-01T10:00:00")
    again = call("2026-03-01T10:09:59")
    assert counted([first, again]) == 1
    others = (
        call("2026-03-01T10:10:00"),
        call("2026-03-01T10:09:59", "tax-app"),
        call("2026-03-01T10:09:59", document="e" * 64),
        call("2026-03-01T10:09:59", "housing-app", access("civil.household")),
        call("2026-03-01T10:09:59", "housing-app", access(subjects=(1, 2))),
        call("2026-03-01T10:09:59", "housing-app", access(subjects=())),
    )
    assert [counted([first, other]) for other in others] == [2] * 6
    assert counted([call("2026-03-01T10:00:00", "housing-app", access(subjects=(1, 2))), first]) == 1, "both were asked about before"


def test_the_same_set_exchanged_twice_counts_once() -> None:
    def exchange(digest: str) -> EntryDraft:
        part = access(rows=9, subjects=(), subject_set=SubjectSet(9, digest * 64))
        return call("2026-03-01T10:00:00", "housing-app", part, kind="exchange", operation="exchange", medium="FILE")

    rows = rows_of([exchange("a"), exchange("a"), exchange("b")])
    assert [(row.figures.counted, row.figures.subjects, row.figures.rows) for row in rows] == [(2, 18, 27)]


def test_downloads_of_a_file_are_not_counted_again() -> None:
    fetched = call("2026-03-01T10:00:00", "housing-app", access(rows=0, subjects=()), kind="download", operation="exchange", medium="FILE")
    rows = rows_of([fetched, fetched])
    assert [(row.key[4], row.figures.calls, row.figures.counted, row.discounts) for row in rows] == [("download", 2, 0, {"DOWNLOAD": 2})]


def test_departments_that_count_as_one_excluded_applications_and_made_up_subjects(tmp_path: Path) -> None:
    text = rule("SELF_CALL", 'together = [["civil", "tax"]]', "OWN") + rule("EXCLUDED", 'applications = ["housing-probe"]', "PROBE")
    rules = rules_with(tmp_path, text + rule("TEST_SUBJECT", f'subjects = ["{subject(99)}"]', "MADE_UP"))
    drafts = [
        call("2026-03-01T10:00:00", "tax-app"),
        call("2026-03-01T10:00:00", "housing-probe"),
        call("2026-03-01T10:00:00", "housing-app", access(subjects=(99,))),
        call("2026-03-01T10:00:00", "housing-app", access(subjects=(99, 1))),
        call("2026-03-01T10:00:00", "housing-app", access(subjects=())),
    ]
    assert taken(drafts, rules) == {"OWN": 1, "PROBE": 1, "MADE_UP": 1}
    assert counted(drafts, rules) == 2


def test_a_day_is_counted_by_the_version_in_force_on_it(tmp_path: Path) -> None:
    """ASM-03: an old year recomputes unchanged after the rules of a new one have come."""
    text = rule("REPEAT", "minutes = 10")
    rules = rules_with(tmp_path, text)
    later = rules_with(tmp_path, f"{text}[[versions]]\nin_force_from = 2026-03-02\n")
    old, new = ([call(f"2026-03-0{day}T10:00:0{n}") for n in range(3)] for day in (1, 2))
    assert (counted(old, rules), counted(old, later), counted(new, later)) == (1, 1, 3)
    assert rules.on(DAY).sha256 == later.on(DAY).sha256
    assert counted([call("2019-12-31T10:00:00")] * 2, later) == 2, "before the first version there are no rules"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (rule("REPEAT"), "parameters minutes"),
        (rule("SELF_CALL", "minutes = 3"), "parameters together"),
        (rule("REPEAT", "minutes = 7"), "divides 1440"),
        (rule("SHARE_CAP", "percent = 49\nfloor = 1"), "greater than or equal to 50"),
        (rule("SHARE_CAP", "percent = 60\nfloor = 1") + rule("DOWNLOAD", name="S"), "last"),
        (rule("DOWNLOAD") + rule("DOWNLOAD"), "stands twice"),
        ("[[versions]]\nin_force_from = 2020-01-01\n", "each day once"),
        ("[[versions", "TOML"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageRulesFault, match=told):
        rules_with(tmp_path, text)


def test_the_citys_own_file_stands_for_the_hubs(tmp_path: Path) -> None:
    assert UsageRules.of_home(tmp_path) == UsageRules.read(SHIPPED)
    (tmp_path / "usage-rules.toml").write_text("versions = []")
    assert UsageRules.of_home(tmp_path).versions == ()
