"""Makes the report on a period: three passes of the database over the daily figures, and the tables beside them."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from hub.ledger.proofs import latest_checkpoint
from hub.ledger.tables import head
from hub.sharing.rules import RuleBook
from hub.sharing.tables import application
from hub.store.base import now
from hub.usage import tables
from hub.usage.figures import Figures
from hub.usage.measures import feedback_punctuality, registered, request_punctuality, unused_grants, unused_resources
from hub.usage.query import EVERYTHING, By, Scope, beside, by_line, sums
from hub.usage.report import Anchors, CodeCount, Discount, Flow, Line, Named, RulesUsed, UsageReport
from hub.usage.rulebook import UsageRules
from schema.model import Snapshot

UNUSED_DAYS = 90
"""From how many days without a served call a grant counts as unused."""

Names = tuple[str, str, str]
"""Name, English name, owning department."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the hub knows besides the figures: the catalog, the rules against inflation, and the rule sets of terms."""

    catalog: Snapshot
    rules: UsageRules
    book: RuleBook


def build_report(
    connection: Connection, since: date, until: date, known: Known, *, department: str | None = None, unused_days: int = UNUSED_DAYS
) -> UsageReport:
    """The report on the days from ``since`` to ``until``; of one department alone where it is given.

    Pass a transaction that sees one moment (``hub.store.engine.reading``).
    """
    scope = Scope(department) if department else EVERYTHING
    lines = by_line(connection, since, until, scope)
    names = _Names(connection, known.catalog)
    used = frozenset(key["resource"] for key, figures in lines if figures.served)
    catalog = known.catalog
    days = tuple(Line(code, figures) for code, figures in sums(connection, since, until, By.DAY, scope))
    mine = _of(department)
    return UsageReport(
        since=since,
        until=until,
        made_at=now(),
        department=department,
        totals=_total(figures for _, figures in lines),
        providers=_grouped(lines, "provider", names.department, department),
        consumers=_grouped(lines, "department", names.department, department),
        resources=_grouped(lines, "resource", names.resource),
        applications=_grouped(lines, "application", names.application),
        purposes=_grouped(lines, "purpose"),
        scenarios=_grouped(lines, "scenario"),
        operations=_grouped(lines, "operation"),
        media=_grouped(lines, "medium"),
        months=_months(days),
        days=days,
        flows=_flows(lines),
        codes=tuple(CodeCount(*each) for each in beside(connection, tables.code, since, until, scope)),
        discounts=_discounts(beside(connection, tables.discount, since, until, scope), known.rules, until),
        unused_grants=tuple(each for each in unused_grants(connection, until, unused_days, catalog) if mine(each.provider) or mine(each.consumer)),
        unused_days=unused_days,
        unused_resources=tuple(each for each in unused_resources(connection, until, used, catalog) if mine(each.department)),
        requests=tuple(each for each in request_punctuality(connection, known.book, since, until) if mine(each.department)),
        feedback=tuple(each for each in feedback_punctuality(connection, since, until) if mine(each.department)),
        registered=tuple(each for each in registered(used, catalog) if mine(each.department)),
        rules=_rules(connection, since, until),
        departments=tuple(Named(code, each.name, each.name_en) for code, each in sorted(catalog.departments.items())),
        anchors=_anchors(connection, since, until),
    )


class _Names:
    """What things are called."""

    def __init__(self, connection: Connection, catalog: Snapshot) -> None:
        self._catalog = catalog
        columns = (application.c.client_id, application.c.name, application.c.department)
        self._applications = {row.client_id: (row.name, "", row.department) for row in connection.execute(select(*columns))}

    def department(self, code: str) -> Names:
        found = self._catalog.departments.get(code)
        return (found.name, found.name_en, "") if found else ("", "", "")

    def resource(self, code: str) -> Names:
        found = self._catalog.resources.get(code)
        return (found.name, found.name_en, found.department) if found else ("", "", code.partition(".")[0])

    def application(self, code: str) -> Names:
        return self._applications.get(code, ("", "", ""))


def _unnamed(_code: str) -> Names:
    return "", "", ""


def _grouped(lines: Iterable[tuple[dict[str, str], Figures]], by: str, named: Callable[[str], Names] = _unnamed, only: str | None = None) -> tuple[Line, ...]:
    """Figures by one part of the key, most served calls first; ``only`` one of its values. Calls that name no resource have no provider."""
    found: dict[str, Figures] = defaultdict(Figures)
    for key, figures in lines:
        if (only is None or key[by] == only) and (key[by] or by not in ("provider", "resource")):
            found[key[by]].add(figures)
    ordered = sorted(found.items(), key=lambda each: (-each[1].served, each[0]))
    return tuple(Line(code, figures, *named(code)) for code, figures in ordered)


def _total(several: Iterable[Figures]) -> Figures:
    total = Figures()
    for figures in several:
        total.add(figures)
    return total


def _months(days: Iterable[Line]) -> tuple[Line, ...]:
    found: dict[str, Figures] = defaultdict(Figures)
    for each in days:
        found[each.code[:7]].add(each.figures)
    return tuple(Line(code, figures) for code, figures in sorted(found.items()))


def _flows(lines: Iterable[tuple[dict[str, str], Figures]]) -> tuple[Flow, ...]:
    found: dict[tuple[str, str], Figures] = defaultdict(Figures)
    for key, figures in lines:
        if key["provider"]:
            found[key["department"], key["provider"]].add(figures)
    flows = (Flow(*parties, figures.calls, figures.counted, figures.rows) for parties, figures in found.items())
    return tuple(sorted(flows, key=lambda flow: (-flow.calls, flow.consumer, flow.provider)))


def _discounts(counts: Iterable[tuple[str, int]], rules: UsageRules, until: date) -> tuple[Discount, ...]:
    """Each rule in the words of the newest version up to ``until`` that has it."""
    said = {rule.id: rule for version in rules.versions if version.in_force_from <= until for rule in version.rules}
    return tuple(Discount(rule, said[rule].text if rule in said else "", said[rule].text_en if rule in said else "", calls) for rule, calls in counts)


def _of(department: str | None) -> Callable[[str], bool]:
    return lambda code: department is None or code == department


def _rules(connection: Connection, since: date, until: date) -> tuple[RulesUsed, ...]:
    state = tables.state.c
    within = state.day.between(since.isoformat(), until.isoformat())
    statement = select(state.rules, state.rules_sha256, func.count()).where(within).group_by(state.rules, state.rules_sha256)
    return tuple(RulesUsed(*row) for row in connection.execute(statement.order_by(state.rules, state.rules_sha256)))


def _head_of(note: str) -> tuple[int, str]:
    """Size and root of a checkpoint of the hub's own: the second and third line."""
    _, size, root, *_ = note.split("\n")
    return int(size), base64.b64decode(root).hex()


def _anchors(connection: Connection, since: date, until: date) -> Anchors:
    state = tables.state.c
    within = state.day.between(since.isoformat(), until.isoformat())
    counts: Mapping[bool, int] = {row[0]: row[1] for row in connection.execute(select(state.closed, func.count()).where(within).group_by(state.closed))}
    through = connection.execute(select(tables.position.c.seq)).scalar() or 0
    log = connection.execute(select(head.c.log)).scalar() or ""
    note = latest_checkpoint(connection)
    size, root = _head_of(note) if note else (0, "")
    return Anchors(log, size, root, note or "", int(through), counts.get(True, 0), counts.get(False, 0))
