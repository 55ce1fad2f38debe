"""Figures equal the log's own counts, made by another hand: SQL over the entries as an export has them (LOG-09, LOG-10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import event

from hub.ledger import tables as ledger
from hub.sharing.rules import RuleBook
from hub.store.engine import reading
from hub.usage.build import Known, build_report
from hub.usage.figures import BOUNDS, Figures, percentile
from hub.usage.query import By, Scope, sums
from hub.usage.report import UsageReport
from hub.usage.roll import digest, roll
from schema.model import Snapshot
from tests.usage.build import RULES, World, access, call, refusal, some_days, world_in

pytestmark = pytest.mark.slow
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 6)
# Written from docs/usage.md alone; the repeats, which hang on the order of the log, are those of one subject.
ENTRIES = """
WITH log AS (
    SELECT *, CAST(CAST("at" AS TIMESTAMPTZ) AT TIME ZONE 'Asia/Shanghai' AS DATE) AS day FROM read_json('{file}', format = 'newline_delimited', columns = {{
        seq: 'BIGINT', "at": 'VARCHAR', kind: 'VARCHAR', operation: 'VARCHAR', outcome: 'VARCHAR', code: 'VARCHAR', department: 'VARCHAR',
        application: 'VARCHAR', purpose: 'VARCHAR', scenario: 'VARCHAR', medium: 'VARCHAR', bytes: 'BIGINT', ms: 'BIGINT', document: 'VARCHAR', sources: 'STRUCT(source VARCHAR, state VARCHAR, "asOf" VARCHAR)[]',
        accesses: 'STRUCT(resource VARCHAR, provider VARCHAR, source VARCHAR, "rows" BIGINT, subjects VARCHAR[],
            "subjectSet" STRUCT(digest VARCHAR, count BIGINT))[]', details: 'STRUCT(undelivered BIGINT)'}})
    WHERE kind IN ('call', 'deny', 'exchange', 'download') AND coalesce(operation, '') NOT LIKE 'governance.%'
), taken AS (SELECT log.*, unnest(accesses) AS a FROM log)
"""


def exported(world: World, folder: Path) -> str:
    """A file of the log's entries, one JSON object a line; the ``WITH`` of a query over it."""
    file = folder / "log.jsonl"
    with world.engine.connect() as connection:
        file.write_bytes(b"\n".join(row[0] for row in connection.execute(ledger.entry.select().with_only_columns(ledger.entry.c.canonical))))
    return ENTRIES.format(file=file)


def asked(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Some days of everything, rolled up."""
    with world_in(tmp_path_factory.mktemp("year")) as world:
        world.append(*some_days(11, 6, 120))
        world.roller().run()
        world.service.publisher.publish_all()
        yield world


def found(world: World, by: By, scope: Scope | None = None) -> dict[str, Figures]:
    with world.engine.connect() as connection:
        return dict(sums(connection, FIRST, LAST, by, scope or Scope()))


def test_log_09_entries_outcomes_and_bytes_are_those_of_the_log(year: World, tmp_path: Path) -> None:
    head = exported(year, tmp_path)
    totals = found(year, By.TOTAL)[""]
    assert asked(f"{head} SELECT count(*), sum(bytes) FROM log") == [(totals.entries, totals.bytes)]
    days = {str(day): (count, size) for day, count, size in asked(f"{head} SELECT day, count(*), sum(bytes) FROM log GROUP BY day")}
    assert {code: (each.entries, each.bytes) for code, each in found(year, By.DAY).items()} == days
    applications = dict(asked(f"{head} SELECT application, count(*) FROM log GROUP BY ALL"))
    assert {code: each.entries for code, each in found(year, By.APPLICATION).items()} == applications


def test_log_09_calls_rows_and_times_of_each_resource_are_those_of_the_log(year: World, tmp_path: Path) -> None:
    statement = """SELECT a.resource, count(*), count(*) FILTER (outcome = 'OK'), count(*) FILTER (outcome = 'PARTIAL'), count(*) FILTER (outcome = 'REFUSED'),
        count(*) FILTER (outcome = 'FAILED'), sum(a.rows), sum(ms) FILTER (outcome IN ('OK', 'PARTIAL')), max(ms) FILTER (outcome IN ('OK', 'PARTIAL')),
        count(*) FILTER (ms <= 5 AND outcome IN ('OK', 'PARTIAL')) FROM taken GROUP BY 1"""
    mine = {
        code: (each.calls, each.ok, each.partial, each.refused, each.failed, each.rows, each.ms, each.ms_max, each.le_5)
        for code, each in found(year, By.RESOURCE).items()
        if code
    }
    assert mine == {row[0]: row[1:] for row in asked(f"{exported(year, tmp_path)} {statement}")}


def test_distinct_subjects_and_ages_are_those_of_the_log(year: World, tmp_path: Path) -> None:
    head = exported(year, tmp_path)
    key = "day, department, application, a.provider, a.resource, kind, operation, purpose, scenario, medium"
    each = f"SELECT {key}, count(DISTINCT s) AS n FROM (SELECT *, unnest(a.subjects) AS s FROM taken) GROUP BY ALL"
    rows = [row for day in roll(year.entries(), RULES).values() for row in day if row.key[4] != "exchange"]
    assert asked(f"{head} SELECT sum(n) FROM ({each})") == [(sum(row.figures.subjects for row in rows),)]
    ages = f"""{head} SELECT a.resource, count(*), sum(age), max(age) FROM (SELECT a, floor(epoch(CAST("at" AS TIMESTAMPTZ))
        - epoch(CAST(list_filter(sources, lambda s: s.source = a.source)[1]."asOf" AS TIMESTAMPTZ))) AS age FROM taken WHERE outcome IN ('OK', 'PARTIAL'))
        WHERE age IS NOT NULL GROUP BY 1"""
    mine = {code: (each.aged, each.age, each.age_max) for code, each in found(year, By.RESOURCE).items() if each.aged}
    assert mine == {row[0]: tuple(map(int, row[1:])) for row in asked(ages)}


def test_self_calls_and_codes_are_those_of_the_log(year: World, tmp_path: Path) -> None:
    head = exported(year, tmp_path)
    own = asked(f"{head} SELECT count(*) FROM taken WHERE outcome IN ('OK', 'PARTIAL') AND department = a.provider")[0][0]
    made = report(year)
    assert {each.rule: each.calls for each in made.discounts}["SELF_CALL"] == own
    assert made.totals.discounted == sum(each.calls for each in made.discounts)
    codes = asked(f"{head} SELECT code, sum(greatest(1, len(accesses))) FROM log WHERE code IS NOT NULL GROUP BY 1")
    assert {each.code: each.calls for each in made.codes} == {code: int(calls) for code, calls in codes}
    undelivered = asked(f"{head} SELECT sum(details.undelivered) FROM log")[0][0]
    assert made.totals.undelivered == undelivered > 0


def test_log_10_refusals_are_counted_at_the_resources_that_were_asked_for(world: World) -> None:
    named = access(rows=0, subjects=())
    world.append(refusal("2026-03-01T10:00:00", accesses=(named,)), refusal("2026-03-01T10:00:01"), call("2026-03-01T10:00:02"))
    world.roller().run()
    assert {code: (each.refused, each.ok) for code, each in found(world, By.RESOURCE).items()} == {"civil.person": (1, 1), "": (1, 0)}


def test_an_auditor_makes_the_same_digests_of_an_export(year: World) -> None:
    entries = year.entries()
    mine = {day.isoformat(): digest(day, RULES.on(day), rows) for day, rows in roll(entries, RULES).items()}
    anchored = {entry["details"]["day"]: entry["details"]["sha256"] for entry in entries if entry["operation"] == "usage.day"}
    assert len(anchored) >= 4
    assert anchored.items() <= mine.items()


def report(world: World, department: str | None = None) -> UsageReport:
    with reading(world.engine) as connection:
        return build_report(connection, FIRST, LAST, Known(Snapshot(0), RULES, RuleBook.open(["n809"], None)), department=department)


def test_every_grouping_of_a_report_adds_up_to_its_totals(year: World) -> None:
    made = report(year)
    for lines in (made.applications, made.purposes, made.scenarios, made.operations, made.media, made.days, made.months, made.consumers):
        assert _sum(line.figures for line in lines) == made.totals
    assert _sum(line.figures for line in made.resources).counted == made.totals.counted
    assert sum(flow.calls for flow in made.flows) == sum(line.figures.calls for line in made.resources)
    assert {line.code: line.figures for line in made.providers} == {code: each for code, each in found(year, By.PROVIDER).items() if code}
    assert made.anchors.days_closed + made.anchors.days_open == len(made.days)
    assert (made.anchors.log, len(made.anchors.root)) == ("hub.example/ledger", 64)
    assert made.anchors.size == len(year.entries())
    assert [each.days for each in made.rules] == [len(made.days)]


def test_a_departments_report_holds_what_it_provided_or_consumed(year: World) -> None:
    made = report(year, "civil")
    whole: Counter[str] = Counter()
    for rows in roll(year.entries(), RULES).values():
        for row in rows:
            whole["calls"] += row.figures.calls * ("civil" in (row.key[0], row.key[2]))
    assert made.totals.calls == whole["calls"]
    assert [line.code for line in made.providers] == ["civil"]
    assert [line.code for line in made.consumers] == ["civil"]
    assert {flow.consumer for flow in made.flows} | {flow.provider for flow in made.flows} > {"civil"}
    assert all("civil" in (flow.consumer, flow.provider) for flow in made.flows)


def test_a_report_is_json(year: World) -> None:
    made = report(year).as_json()
    assert made["since"] == "2026-03-01"
    assert made["totals"]["served"] == made["totals"]["ok"] + made["totals"]["partial"]
    assert made["anchors"]["through"] > 0
    assert {"code", "figures", "name", "nameEn", "department"} == made["resources"][0].keys()


def test_a_report_costs_as_many_statements_for_many_days_as_for_one(world: World) -> None:
    world.append(call("2026-03-01T10:00:00"))
    world.roller().run()

    def count() -> int:
        seen: list[str] = []
        event.listen(world.engine, "before_cursor_execute", note := lambda _c, _cursor, statement, *_: seen.append(statement))
        report(world)
        event.remove(world.engine, "before_cursor_execute", note)
        return len(seen)

    before = count()
    world.append(*some_days(12, 6, 60))
    world.roller().run()
    assert count() == before < 30


@pytest.mark.parametrize(
    ("times", "percent", "told"),
    [([1], 50, 1), ([3, 3, 3, 400], 50, 5), ([3] * 94 + [400] * 6, 95, 400), ([3] * 95 + [700] * 5, 95, 5), ([40_000], 99, 40_000), ([], 50, None)],
)
def test_percentiles_are_told_as_bounds_and_never_above_the_longest(times: list[int], percent: int, told: int | None) -> None:
    buckets = [sum(low < ms <= high for ms in times) for low, high in zip((-1, *BOUNDS), (*BOUNDS, 10**9), strict=True)]
    assert percentile(buckets, max(times, default=0), percent) == told


def _sum(several: Any) -> Figures:
    total = Figures()
    for figures in several:
        total.add(figures)
    return total
