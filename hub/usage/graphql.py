"""Usage figures on the governance endpoint, bounded by what the caller's role may see."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry
from anyio import to_thread
from sqlalchemy import func, select

from hub.api.bounds import Bounds, bounds
from hub.api.context import Context
from hub.api.types import BigInt, Date
from hub.people.permissions import Reach
from hub.store.engine import reading
from hub.usage import tables
from hub.usage.figures import Figures
from hub.usage.query import By, Scope, sums, taken_by
from hub.usage.rulebook import UsageRules
from schema.faults import Code, Fault, bad_input

Info = strawberry.Info[Context, None]
MOST_DAYS = 3660
MOST_LINES = 1000
_WHOLE = ("entries", "calls", "ok", "partial", "refused", "failed", "counted", "discounted", "rows", "bytes", "subjects", "undelivered", "stale", "unavailable")

strawberry.enum(By, name="UsageBy", description="按何统计\n\nWhat figures are grouped by")


@strawberry.type(description="使用情况的一行\n\nUsage of one thing: a department, resource, application, purpose, scenario, operation, medium, month or day")
class UsageLine:
    """``docs/usage.md`` defines each figure. Times are in milliseconds, ages in seconds."""

    code: str
    entries: BigInt
    calls: BigInt
    ok: BigInt
    partial: BigInt
    refused: BigInt
    failed: BigInt
    counted: BigInt
    discounted: BigInt
    rows: BigInt
    bytes: BigInt
    subjects: BigInt
    undelivered: BigInt
    stale: BigInt
    unavailable: BigInt
    p50_ms: BigInt | None
    p95_ms: BigInt | None
    p99_ms: BigInt | None
    max_ms: BigInt
    mean_age: BigInt | None
    max_age: BigInt


@strawberry.type(description="使用情况\n\nUsage in a period")
class Usage:
    """``through``: the figures rest on all entries of the ledger below this number; ``open_days``: days that may still grow."""

    since: Date
    until: Date
    through: BigInt
    open_days: int
    lines: list[UsageLine]


@strawberry.type(description="防止虚增调用量的规则\n\nRule against inflation of usage figures")
class UsageRule:
    """``version``: the day from which its version is in force; ``sha256`` of that version stands with every day that it counted."""

    version: Date
    sha256: str
    id: str
    kind: str
    text: str
    text_en: str
    minutes: int | None
    percent: int | None
    floor: int | None


@strawberry.type
class UsageQueries:
    """Usage for the assessment 考核."""

    @strawberry.field(
        description="使用情况，from 至 to（北京日，含首末两日），按 by 统计；department：限某部门提供或使用的；至多一千行\n\n"
        "Usage of the Beijing days from ``from`` to ``to``, both included, grouped by ``by``; department: what it provided or consumed; 1,000 lines at most"
    )
    async def usage(
        self, info: Info, from_: Annotated[Date, strawberry.argument(name="from")], to: Date, by: By = By.TOTAL, department: str | None = None
    ) -> Usage:
        since, until = _days(from_, to)
        seen = bounds(info.context, "usage")
        scope = _scope(seen, department)
        return await to_thread.run_sync(_read, info.context, since, until, by, scope, seen.reach is Reach.ALL)

    @strawberry.field(description="防止虚增调用量的规则，各版本\n\nThe rules against inflation of usage figures, all versions")
    async def usage_rules(self, info: Info) -> list[UsageRule]:
        rules = await to_thread.run_sync(UsageRules.of_home, info.context.live.core.settings.home)
        return [
            UsageRule(
                version=Date(version.in_force_from),
                sha256=version.sha256,
                id=rule.id,
                kind=rule.kind,
                text=rule.text,
                text_en=rule.text_en,
                minutes=rule.minutes,
                percent=rule.percent,
                floor=rule.floor,
            )
            for version in rules.versions
            for rule in version.rules
        ]


def _days(from_: object, to: object) -> tuple[date, date]:
    since, until = date.fromisoformat(str(from_)), date.fromisoformat(str(to))
    if since > until or (until - since).days >= MOST_DAYS:
        raise bad_input(f"from 不得晚于 to，至多 {MOST_DAYS} 日", f"from is not after to, and a period has {MOST_DAYS} days at most", "2026-01-01, 2026-12-31")
    return since, until


def _scope(seen: Bounds, department: str | None) -> Scope:
    """What the caller may see of what was asked for.

    Raises:
        Fault: ``FORBIDDEN`` where a department's steward asks for another department.
    """
    if seen.reach is Reach.OWN:
        return Scope(department, seen.client_ids)
    if seen.reach is Reach.DEPARTMENT and department not in (None, seen.department):
        zh, en = "只能查看本部门的使用情况", "a steward sees the usage of the own department"
        raise Fault(Code.FORBIDDEN, zh, en, f"department: {seen.department}", f"department: {seen.department}")
    return Scope(seen.department if seen.reach is Reach.DEPARTMENT else department)


def _read(context: Context, since: date, until: date, by: By, scope: Scope, whole: bool) -> Usage:
    """The figures. Consumers get theirs without the share caps (``whole`` is false): what a cap leaves is reckoned from the calls of all others."""
    core = context.live.core
    caps = [] if whole else [rule.id for version in UsageRules.of_home(core.settings.home).versions for rule in version.rules if rule.kind == "SHARE_CAP"]
    state = tables.state.c
    within = state.day.between(since.isoformat(), until.isoformat()) & state.closed.is_(False)
    with reading(core.engine) as connection:
        found = sums(connection, since, until, by, scope, MOST_LINES)
        capped = taken_by(connection, caps, since, until, by, scope) if caps else {}
        for code, figures in found:
            figures.counted += capped.get(code, 0)
        lines = [_line(code, figures) for code, figures in found]
        through = connection.execute(select(tables.position.c.seq)).scalar() or 0
        open_days = connection.execute(select(func.count()).where(within)).scalar_one()
    return Usage(since=Date(since), until=Date(until), through=BigInt(through), open_days=open_days, lines=lines)


def _line(code: str, figures: Figures) -> UsageLine:
    whole = {name: BigInt(getattr(figures, name)) for name in _WHOLE}
    return UsageLine(
        code=code,
        p50_ms=_maybe(figures.percentile(50)),
        p95_ms=_maybe(figures.percentile(95)),
        p99_ms=_maybe(figures.percentile(99)),
        max_ms=BigInt(figures.ms_max),
        mean_age=_maybe(None if figures.mean_age is None else round(figures.mean_age)),
        max_age=BigInt(figures.age_max),
        **whole,
    )


def _maybe(value: int | None) -> BigInt | None:
    return None if value is None else BigInt(value)
