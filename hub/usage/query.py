"""Sums over the daily figures, made by the database: by one dimension, by line, by day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, func, or_, select, true

from hub.usage import tables
from hub.usage.figures import NAMES, PEAKS, Figures
from hub.usage.tables import KEY


class By(Enum):
    """What figures are grouped by."""

    PROVIDER = "provider"
    CONSUMER = "department"
    RESOURCE = "resource"
    APPLICATION = "application"
    PURPOSE = "purpose"
    SCENARIO = "scenario"
    OPERATION = "operation"
    MEDIUM = "medium"
    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which lines: those of a department, as provider or consumer, and those of applications; neither set: all."""

    department: str | None = None
    applications: tuple[str, ...] | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.department is None and self.applications is None

    def condition(self) -> ColumnElement[bool]:
        """On ``usage_line``."""
        line, parts = tables.line.c, []
        if self.department is not None:
            parts.append(or_(line.provider == self.department, line.department == self.department))
        if self.applications is not None:
            parts.append(line.application.in_(self.applications))
        return and_(true(), *parts)


EVERYTHING = Scope()


def sums(connection: Connection, since: date, until: date, by: By, scope: Scope = EVERYTHING, most: int | None = None) -> list[tuple[str, Figures]]:
    """The figures of the days from ``since`` to ``until``, by one dimension: days and months in their order, others by served calls, most first."""
    by_time = by in (By.DAY, By.MONTH)
    group: Any = _group(by)
    statement = _within(select(group.label("code"), *_figures()), since, until, scope, joined=not by_time and by is not By.TOTAL)
    if by is not By.TOTAL:
        statement = statement.group_by(group)
    order = (group,) if by_time else (func.sum(tables.day.c.ok + tables.day.c.partial).desc(), group)
    statement = statement if by is By.TOTAL else statement.order_by(*order)
    found = connection.execute(statement if most is None else statement.limit(most))
    return [(row[0], _of(row[1:])) for row in found if row[1] is not None]


def by_line(connection: Connection, since: date, until: date, scope: Scope) -> list[tuple[dict[str, str], Figures]]:
    """The figures of each line of the days, with the values of its key."""
    of_days = _within(select(tables.day.c.line, *_figures()), since, until, EVERYTHING, joined=False).group_by(tables.day.c.line).subquery()
    columns = [tables.line.c[name] for name in KEY]
    statement = select(*columns, *(of_days.c[name] for name in NAMES)).join_from(of_days, tables.line, tables.line.c.id == of_days.c.line)
    found = connection.execute(statement.where(scope.condition()))
    return [(dict(zip(KEY, row[: len(KEY)], strict=True)), _of(row[len(KEY) :])) for row in found]


def beside(connection: Connection, table: Any, since: date, until: date, scope: Scope) -> list[tuple[str, int]]:
    """Calls by error code, or by the rule that did not count them; most first."""
    _, number, name, calls = table.c
    total = func.sum(calls)
    statement = select(name, total).where(table.c.day.between(since.isoformat(), until.isoformat())).group_by(name).order_by(total.desc(), name)
    if not scope.is_all:
        statement = statement.join_from(table, tables.line, tables.line.c.id == number).where(scope.condition())
    return [(row[0], int(row[1])) for row in connection.execute(statement)]


def taken_by(connection: Connection, rules: Collection[str], since: date, until: date, by: By, scope: Scope) -> dict[str, int]:
    """Served calls on other departments' resources that these rules took, by one dimension."""
    table = tables.discount
    group = _group(by, table)
    within = (table.c.day.between(since.isoformat(), until.isoformat()), table.c.rule.in_(rules), scope.condition())
    statement = select(group, func.sum(table.c.calls)).join_from(table, tables.line, tables.line.c.id == table.c.line).where(*within)
    if scope.department is not None and scope.applications is None:
        statement = statement.where(tables.line.c.provider != scope.department)
    found = connection.execute(statement if by is By.TOTAL else statement.group_by(group))
    return {row[0]: int(row[1]) for row in found if row[1] is not None}


def last_served(connection: Connection, until: date, since: date | None = None, lines: Sequence[int] | None = None) -> dict[tuple[str, str], date]:
    """(application, resource) → the last day up to ``until`` on which a call was served, looking no further back than ``since``."""
    day, line = tables.day.c, tables.line.c
    latest = func.max(day.day)
    of_days = select(day.line, latest.label("last")).where(day.day <= until.isoformat(), day.ok + day.partial > 0)
    if since is not None:
        of_days = of_days.where(day.day >= since.isoformat())
    if lines is not None:
        of_days = of_days.where(day.line.in_(lines))
    found = of_days.group_by(day.line).subquery()
    newest = func.max(found.c.last)
    statement = select(line.application, line.resource, newest).join_from(found, tables.line, line.id == found.c.line).group_by(line.application, line.resource)
    return {(row[0], row[1]): date.fromisoformat(row[2]) for row in connection.execute(statement)}


def lines_of(connection: Connection, resources: Sequence[str]) -> list[int]:
    """The numbers of all lines of some resources."""
    return list(connection.execute(select(tables.line.c.id).where(tables.line.c.resource.in_(resources))).scalars())


def _group(by: By, table: Table = tables.day) -> Any:
    if by is By.TOTAL:
        return func.max("")
    if by is By.DAY:
        return table.c.day
    return func.substr(table.c.day, 1, 7) if by is By.MONTH else tables.line.c[by.value]


def _figures() -> list[Any]:
    return [(func.max if name in PEAKS else func.sum)(tables.day.c[name]).label(name) for name in NAMES]


def _within(statement: Select[Any], since: date, until: date, scope: Scope, joined: bool) -> Select[Any]:
    statement = statement.where(tables.day.c.day.between(since.isoformat(), until.isoformat()))
    if joined or not scope.is_all:
        statement = statement.join_from(tables.day, tables.line, tables.line.c.id == tables.day.c.line).where(scope.condition())
    return statement


def _of(values: Row[Any] | Sequence[Any]) -> Figures:
    # PostgreSQL adds whole numbers up as decimals.
    return Figures.of(int(value) for value in values)
